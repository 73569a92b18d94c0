using System.Reflection;
using System.Text.RegularExpressions;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Architecture.Tests;

/// <summary>Every failure has one reason, one status and one text, and is documented.</summary>
public sealed partial class ErrorTests
{
    private const string Page = "docs/errors.md";

    [Fact]
    public void Each_service_lists_its_errors_in_one_place() => Offences.None(Repository.Services
        .Where(service => Assemblies.Load(service).GetType($"Beacon.{service}.{service}Errors") is null));

    [Fact]
    public void Faults_stand_only_in_lists_of_errors() => Offences.None(Assemblies.All()
        .SelectMany(assembly => assembly.GetTypes())
        .Where(type => !type.Name.EndsWith("Errors", StringComparison.Ordinal) && type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Any(field => field.FieldType == typeof(Fault)))
        .Select(type => type.FullName));

    [Fact]
    public void A_reason_has_one_status_and_one_text_everywhere() => Offences.None(Faults()
        .GroupBy(fault => fault.Fault.Reason, StringComparer.Ordinal)
        .Where(group => group.Count() > 1)
        .Select(group => $"{group.Key}: {string.Join(", ", group.Select(fault => fault.Where))}"));

    [Fact]
    public void Reasons_are_snake_case_and_texts_are_sentences() => Offences.None(Faults()
        .Where(fault => !SnakeCase().IsMatch(fault.Fault.Reason) || !fault.Fault.Text.EndsWith('.') && !fault.Fault.Text.EndsWith('…') || !char.IsUpper(fault.Fault.Text[0]))
        .Select(fault => $"{fault.Where}: {fault.Fault.Reason}, \"{fault.Fault.Text}\""));

    [Fact]
    public void Every_reason_that_a_proto_names_is_declared()
    {
        Expected.Require();
        var declared = Faults().Select(fault => fault.Fault.Reason).ToHashSet(StringComparer.Ordinal);
        Offences.None(Repository.Files.Where(file => file.EndsWith("_service.proto", StringComparison.Ordinal))
            .SelectMany(file => ErrorList().Matches(Repository.Read(file)).SelectMany(list => Reason().Matches(list.Value)).Select(reason => (file, reason: reason.Groups["reason"].Value)))
            .Where(named => !declared.Contains(named.reason))
            .Select(named => $"{named.file}: {named.reason}")
            .Distinct());
    }

    [Fact]
    public void The_page_of_errors_knows_every_reason_and_no_other()
    {
        Expected.Require(Page);
        var documented = Reason().Matches(string.Join('\n', Repository.Read(Page).Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|')[1]))).Select(match => match.Groups["reason"].Value).ToList();
        Assert.Equal(Faults().Select(fault => fault.Fault.Reason).Distinct().Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    /// <summary>The OpenAPI document is made from the page, so that the page must not be wrong.</summary>
    [Fact]
    public void The_page_of_errors_tells_each_status_and_what_may_be_tried_again()
    {
        Expected.Require(Page);
        var rows = Repository.Read(Page).Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), StringComparer.Ordinal);
        Offences.None(
            from fault in Faults().Select(fault => fault.Fault).DistinctBy(fault => fault.Reason)
            let cells = rows[fault.Reason]
            let name = WordStart().Replace(fault.Status.ToString(), "_").ToUpperInvariant()
            where cells[2] != name || cells[3] != Http(fault.Status) || cells[4].Contains("Retryable", StringComparison.Ordinal) != fault.Retryable
            select $"{fault.Reason}: {name}, {Http(fault.Status)}, {(fault.Retryable ? "retryable" : "not retryable")}; the page has {string.Join(" | ", cells[2..^1])}");
    }

    /// <summary>As the transcoding to REST has it.</summary>
    private static string Http(StatusCode status) => status switch
    {
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange => "400",
        StatusCode.Unauthenticated => "401",
        StatusCode.PermissionDenied => "403",
        // The transcoding says 501; what is no operation never comes so far.
        StatusCode.NotFound or StatusCode.Unimplemented => "404",
        StatusCode.AlreadyExists or StatusCode.Aborted => "409",
        StatusCode.ResourceExhausted => "429",
        StatusCode.Unavailable => "503",
        _ => "500",
    };

    private static IEnumerable<(string Where, Fault Fault)> Faults() => Assemblies.All()
        .SelectMany(assembly => assembly.GetTypes())
        .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .Where(field => field.FieldType == typeof(Fault))
        .Select(field => ($"{field.DeclaringType!.Name}.{field.Name}", (Fault)field.GetValue(null)!));

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordStart();

    [GeneratedRegex("(?:Errors:|Refused with)[^.]*")]
    private static partial Regex ErrorList();

    [GeneratedRegex("`(?<reason>[a-z][a-z0-9_]*)`")]
    private static partial Regex Reason();
}
