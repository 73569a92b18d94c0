using System.Text.RegularExpressions;
using Google.Api;
using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>The rules of our protos. Each test collects every offence, so that one run shows them all.</summary>
public sealed partial class LintTests
{
    private const int ServiceField = FileDescriptorProto.ServiceFieldNumber;
    private const int MessageField = FileDescriptorProto.MessageTypeFieldNumber;

    /// <summary>Internal services have no REST. Everything else is public.</summary>
    private static readonly HashSet<string> InternalServices = ["TopologyEdgeService", "LedgerAccountsService"];

    [Fact]
    public void The_set_holds_our_four_packages() => Assert.Equal(
        ["beacon.ledger.v1", "beacon.raids.v1", "beacon.signaling.v1", "beacon.topology.v1"],
        Protos.Ours().Select(file => file.Package).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Packages_are_versioned_and_are_their_directory() => Offences.None(Protos.Ours()
        .Where(file => !Package().IsMatch(file.Package) || Path.GetDirectoryName(file.Name)?.Replace('\\', '/') != file.Package.Replace('.', '/'))
        .Select(file => $"{file.Name}: package {file.Package}"));

    [Fact]
    public void Csharp_namespaces_follow_the_package() => Offences.None(Protos.Ours()
        .Where(file => !string.Equals(file.Options.CsharpNamespace, file.Package.Replace("beacon.", "Beacon.Contracts.", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase))
        .Select(file => $"{file.Name}: {file.Options.CsharpNamespace}"));

    [Fact]
    public void Each_rpc_has_a_request_and_a_response_of_its_own_name() => Offences.None(Protos.Methods()
        .Where(rpc => rpc.Method.InputType != $".{rpc.File.Package}.{rpc.Method.Name}Request" || rpc.Method.OutputType != $".{rpc.File.Package}.{rpc.Method.Name}Response")
        .Select(rpc => $"{rpc.Service.Name}.{rpc.Method.Name}: {rpc.Method.InputType} -> {rpc.Method.OutputType}"));

    [Fact]
    public void No_request_or_response_serves_two_rpcs_or_is_a_field() => Offences.None(Protos.Methods()
        .SelectMany(rpc => new[] { rpc.Method.InputType, rpc.Method.OutputType })
        .Concat(Protos.Ours().SelectMany(Protos.Messages).SelectMany(message => message.Message.Field)
            .Select(field => field.TypeName)
            .Where(type => type.EndsWith("Request", StringComparison.Ordinal) || type.EndsWith("Response", StringComparison.Ordinal)))
        .CountBy(type => type)
        .Where(type => type.Value > 1));

    [Fact]
    public void Services_are_called_services() => Offences.None(Protos.Ours().SelectMany(file => file.Service)
        .Select(service => service.Name).Where(name => !name.EndsWith("Service", StringComparison.Ordinal)));

    [Fact]
    public void Enums_start_unspecified_and_their_values_carry_the_enums_name() => Offences.None(Protos.Ours()
        .SelectMany(file => file.EnumType.Concat(Protos.Messages(file).SelectMany(message => message.Message.EnumType)))
        .SelectMany(type => type.Value
            .Where(value => !value.Name.StartsWith(Prefix(type), StringComparison.Ordinal) || (value.Number == 0) != (value.Name == $"{Prefix(type)}UNSPECIFIED"))
            .Select(value => $"{type.Name}.{value.Name} = {value.Number}")
            .Concat(type.Value[0].Number == 0 ? [] : [$"{type.Name} has no zero first"])));

    [Fact]
    public void Fields_are_snake_case() => Offences.None(Protos.Ours().SelectMany(Protos.Messages)
        .SelectMany(message => message.Message.Field.Where(field => !SnakeCase().IsMatch(field.Name)).Select(field => $"{message.Name}.{field.Name}")));

    [Fact]
    public void Durations_sizes_rates_and_amounts_carry_their_unit() => Offences.None(Protos.Ours().SelectMany(Protos.Messages)
        .SelectMany(message => message.Message.Field.Where(field => Unitless().IsMatch(field.Name)).Select(field => $"{message.Name}.{field.Name}")));

    [Fact]
    public void Every_service_and_rpc_is_commented() => Offences.None(Protos.Ours().SelectMany(file => file.Service.SelectMany((service, serviceIndex) =>
        service.Method.Select((method, methodIndex) => (Name: $"{service.Name}.{method.Name}", Path: new[] { ServiceField, serviceIndex, ServiceDescriptorProto.MethodFieldNumber, methodIndex }))
            .Append((service.Name, [ServiceField, serviceIndex]))
            .Where(element => Protos.Comment(file, element.Path).Length == 0)
            .Select(element => element.Name))));

    /// <summary>The RPC speaks for its request and response; what several share, or a frame, speaks for itself when it is more than a few fields.</summary>
    [Fact]
    public void Every_message_of_substance_is_commented_or_its_fields_are() => Offences.None(Protos.Ours().SelectMany(file => file.MessageType
        .Select((message, index) => (message, index))
        .Where(element => element.message.Field.Count > 3
            && !element.message.Name.EndsWith("Request", StringComparison.Ordinal)
            && !element.message.Name.EndsWith("Response", StringComparison.Ordinal)
            && !Enumerable.Range(0, element.message.Field.Count)
                .Select(field => new[] { MessageField, element.index, DescriptorProto.FieldFieldNumber, field })
                .Append([MessageField, element.index])
                .Any(path => Protos.Comment(file, path).Length > 0))
        .Select(element => $"{file.Name}: {element.message.Name}")));

    [Fact]
    public void Public_rpcs_have_a_rest_rule_under_api_and_internal_ones_have_none() => Offences.None(Protos.Methods()
        .Where(rpc => InternalServices.Contains(rpc.Service.Name)
            ? rpc.Method.Options?.HasExtension(AnnotationsExtensions.Http) == true
            : rpc.Method.Options?.HasExtension(AnnotationsExtensions.Http) != true || !HttpRules.Of(rpc.Method)!.Path.StartsWith("/api/", StringComparison.Ordinal))
        .Select(rpc => $"{rpc.Service.Name}.{rpc.Method.Name}"));

    [Fact]
    public void No_two_rpcs_share_a_verb_and_path() => Offences.None(Protos.Methods()
        .Select(rpc => HttpRules.Of(rpc.Method)).OfType<HttpRules.Route>()
        .CountBy(route => $"{route.Verb} {PathVariable().Replace(route.Path, "{}")}")
        .Where(route => route.Value > 1));

    [Fact]
    public void Path_variables_are_fields_of_the_request() => Offences.None(Protos.Methods()
        .Where(rpc => HttpRules.Of(rpc.Method) is not null)
        .SelectMany(rpc => PathVariable().Matches(HttpRules.Of(rpc.Method)!.Path)
            .Select(variable => variable.Groups[1].Value)
            .Where(variable => rpc.File.MessageType.Single(message => message.Name == $"{rpc.Method.Name}Request").Field.All(field => field.Name != variable))
            .Select(variable => $"{rpc.Method.Name}: {variable}")));

    /// <summary>docs/api.md, pagination.</summary>
    [Fact]
    public void Lists_come_in_pages_and_say_how_large() => Offences.None(PublicRpcs()
        .Where(rpc => rpc.Method.Name.StartsWith("List", StringComparison.Ordinal) || Request(rpc).Field.Any(field => field.Name == "page_token"))
        .SelectMany(rpc => new (string What, bool IsRight)[]
        {
            ("uint32 page_size, as `1 to N; 0 = M.`", Request(rpc).Field.Any(field => field is { Name: "page_size", Type: FieldDescriptorProto.Types.Type.Uint32 } && PageSize().IsMatch(CommentOf(rpc.File, $"{rpc.Method.Name}Request", field.Name)))),
            ("string page_token", Request(rpc).Field.Any(field => field is { Name: "page_token", Type: FieldDescriptorProto.Types.Type.String })),
            ("string next_page_token", Message(rpc.File, $"{rpc.Method.Name}Response").Field.Any(field => field is { Name: "next_page_token", Type: FieldDescriptorProto.Types.Type.String })),
            ("`invalid_page_size` and `invalid_page_token` among its errors", CommentOf(rpc).Contains("`invalid_page_size`", StringComparison.Ordinal) && CommentOf(rpc).Contains("`invalid_page_token`", StringComparison.Ordinal)),
        }.Where(rule => !rule.IsRight).Select(rule => $"{rpc.Service.Name}.{rpc.Method.Name}: {rule.What}")));

    /// <summary>docs/api.md, idempotency.</summary>
    [Fact]
    public void What_moves_credits_is_idempotent_by_an_id_of_the_callers() => Offences.None(PublicRpcs()
        .Where(rpc => HttpRules.Of(rpc.Method)!.Verb is not "GET" && Request(rpc).Field.Any(field => field.Name is "amount_microcredits" or "budget_microcredits"))
        .Where(rpc => IdempotentBy().Match(CommentOf(rpc)) is not { Success: true } by || Request(rpc).Field.All(field => field.Name != by.Groups["field"].Value))
        .Select(rpc => $"{rpc.Service.Name}.{rpc.Method.Name}"));

    [Fact]
    public void An_rpc_that_says_that_it_is_idempotent_has_the_id() => Offences.None(PublicRpcs()
        .Select(rpc => (rpc, By: IdempotentBy().Match(CommentOf(rpc))))
        .Where(pair => pair.By.Success && Request(pair.rpc).Field.All(field => field.Name != pair.By.Groups["field"].Value || field.Type != FieldDescriptorProto.Types.Type.String))
        .Select(pair => $"{pair.rpc.Service.Name}.{pair.rpc.Method.Name}: {pair.By.Groups["field"].Value}"));

    /// <summary>docs/api.md, verbs.</summary>
    [Fact]
    public void Reading_has_no_body_and_everything_else_says_what_its_body_is() => Offences.None(PublicRpcs()
        .Select(rpc => (rpc.Method.Name, Rule: HttpRules.Of(rpc.Method)!))
        .Where(rpc => rpc.Rule.Verb is "GET" or "DELETE" ? rpc.Rule.Body.Length > 0 : rpc.Rule.Body.Length == 0)
        .Select(rpc => $"{rpc.Name}: {rpc.Rule}"));

    [Fact]
    public void Reading_is_called_get_list_watch_or_explain_and_nothing_else_is() => Offences.None(PublicRpcs()
        .Where(rpc => (HttpRules.Of(rpc.Method)!.Verb is "GET") != Reader().IsMatch(rpc.Method.Name))
        .Select(rpc => $"{HttpRules.Of(rpc.Method)!.Verb} {rpc.Method.Name}"));

    /// <summary>docs/api.md, versions: the first one stands in the packages, not in the paths.</summary>
    [Fact]
    public void Paths_are_lower_case_words_with_hyphens_without_a_version() => Offences.None(PublicRpcs()
        .Select(rpc => HttpRules.Of(rpc.Method)!.Path)
        .Where(path => !RestPath().IsMatch(path)));

    [Fact]
    public void What_streams_is_called_watch() => Offences.None(Protos.Methods()
        .Where(rpc => rpc.Method.ClientStreaming || rpc.Method.ServerStreaming != rpc.Method.Name.StartsWith("Watch", StringComparison.Ordinal))
        .Select(rpc => rpc.Method.Name));

    private static IEnumerable<(FileDescriptorProto File, ServiceDescriptorProto Service, MethodDescriptorProto Method)> PublicRpcs() =>
        Protos.Methods().Where(rpc => !InternalServices.Contains(rpc.Service.Name));

    private static DescriptorProto Message(FileDescriptorProto file, string name) => file.MessageType.Single(message => message.Name == name);

    private static DescriptorProto Request((FileDescriptorProto File, ServiceDescriptorProto Service, MethodDescriptorProto Method) rpc) => Message(rpc.File, $"{rpc.Method.Name}Request");

    private static string CommentOf((FileDescriptorProto File, ServiceDescriptorProto Service, MethodDescriptorProto Method) rpc) =>
        Protos.Comment(rpc.File, ServiceField, rpc.File.Service.IndexOf(rpc.Service), ServiceDescriptorProto.MethodFieldNumber, rpc.Service.Method.IndexOf(rpc.Method));

    private static string CommentOf(FileDescriptorProto file, string message, string field)
    {
        var type = Message(file, message);
        return Protos.Comment(file, MessageField, file.MessageType.IndexOf(type), DescriptorProto.FieldFieldNumber, type.Field.IndexOf(type.Field.Single(one => one.Name == field)));
    }

    private static string Prefix(EnumDescriptorProto type) => WordStart().Replace(type.Name, "_").ToUpperInvariant() + "_";

    [GeneratedRegex(@"^1 to [0-9,]+; 0 = [0-9,]+\.")]
    private static partial Regex PageSize();

    [GeneratedRegex(@"Idempotent\s+by\s+`(?<field>[a-z_]+)`")]
    private static partial Regex IdempotentBy();

    [GeneratedRegex("^(Get|List|Watch|Explain)[A-Z]")]
    private static partial Regex Reader();

    [GeneratedRegex(@"^/api(/[a-z]+(-[a-z]+)*|/\{[a-z_]+\})+$")]
    private static partial Regex RestPath();

    [GeneratedRegex(@"^beacon\.[a-z]+\.v1$")]
    private static partial Regex Package();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("(^|_)(amount|balance|budget|latency|interval|timeout|bitrate|uplink|upload)$")]
    private static partial Regex Unitless();

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex WordStart();

    [GeneratedRegex(@"\{([^}=]+)[^}]*\}")]
    private static partial Regex PathVariable();
}
