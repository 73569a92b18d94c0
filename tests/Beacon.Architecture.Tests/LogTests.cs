using System.Globalization;
using System.Text.RegularExpressions;

namespace Beacon.Architecture.Tests;

/// <summary>An event id names one message, and its thousand names the service.</summary>
public sealed partial class LogTests
{
    private static readonly Dictionary<string, int> Thousands = new(StringComparer.Ordinal)
    {
        ["services/Signaling/"] = 1,
        ["services/Topology/"] = 2,
        ["services/Ledger/"] = 3,
        ["services/Raids/"] = 4,
        ["Beacon.ServiceDefaults/"] = 9,
        ["Beacon.Server/"] = 9,
        ["Beacon.AppHost/"] = 9,
    };

    [Fact]
    public void Event_ids_are_unique() => Offences.None(Messages().GroupBy(message => message.Id).Where(group => group.Count() > 1)
        .Select(group => $"{group.Key}: {string.Join(", ", group.Select(message => message.File))}"));

    [Fact]
    public void Event_ids_lie_in_the_range_of_their_service() => Offences.None(Messages()
        .Where(message => !Thousands.Any(range => message.File.StartsWith(range.Key, StringComparison.Ordinal) && message.Id / 1000 == range.Value))
        .Select(message => $"{message.File}: {message.Id}"));

    [Fact]
    public void Services_log_only_by_declared_messages() => Offences.None(Repository.Files
        .Where(file => file.StartsWith("services/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal))
        .Where(file => AdHoc().IsMatch(Repository.Read(file))));

    [Fact]
    public void The_rules_have_something_to_read() => Assert.Contains(Messages(), message => message.File == "services/Raids/Log.cs");

    private static List<(string File, int Id)> Messages() =>
    [
        .. from file in Repository.Files
           where file.EndsWith(".cs", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal)
           from Match match in Declared().Matches(Repository.Read(file))
           select (file, int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture)),
    ];

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(?<id>\d+)")]
    private static partial Regex Declared();

    [GeneratedRegex(@"\.Log(?:Trace|Debug|Information|Warning|Error|Critical)\(")]
    private static partial Regex AdHoc();
}
