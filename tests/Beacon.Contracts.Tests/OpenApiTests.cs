using System.Net;
using System.Text.Json;
using Beacon.Signaling.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace Beacon.Contracts.Tests;

public sealed class OpenApiTests
{
    [Fact]
    public void Every_http_rule_has_its_operation_and_nothing_else_has_one()
    {
        var rules = Protos.Methods().Select(rpc => HttpRules.Of(rpc.Method)).OfType<HttpRules.Route>()
            .Select(route => $"{route.Verb} {route.Path.Replace("stream_id", "streamId", StringComparison.Ordinal).Replace("peer_id", "peerId", StringComparison.Ordinal).Replace("sponsorship_id", "sponsorshipId", StringComparison.Ordinal).Replace("transfer_id", "transferId", StringComparison.Ordinal).Replace("withdrawal_id", "withdrawalId", StringComparison.Ordinal).Replace("raid_id", "raidId", StringComparison.Ordinal)}");
        var operations = ContractsDocument.Build().Paths.SelectMany(path => path.Value.Operations!.Keys.Select(verb => $"{verb.Method} {path.Key}"));
        Assert.Equal(rules.Order(StringComparer.Ordinal), operations.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_document_is_read_back_without_a_complaint()
    {
        var text = await ContractsDocument.Build().SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, TestContext.Current.CancellationToken);
        var read = OpenApiDocument.Parse(text, "json");
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
        Assert.Equal(ContractsDocument.Build().Paths.Count, read.Document!.Paths.Count);
        Assert.Equal(text, await read.Document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_path_variable_is_a_parameter_and_not_in_the_body()
    {
        using var document = await JsonAsync();
        var end = Operation(document, "/api/streams/{streamId}/end", "post");
        var parameter = Assert.Single(end.GetProperty("parameters").EnumerateArray());
        Assert.Equal(("streamId", "path", true), (parameter.GetProperty("name").GetString(), parameter.GetProperty("in").GetString(), parameter.GetProperty("required").GetBoolean()));
        var body = end.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties");
        Assert.Equal(["raidTarget", "countdownSeconds"], body.EnumerateObject().Select(property => property.Name));
        Assert.Equal("A stream id, empty = drawn at random, \"none\" = no raid.", body.GetProperty("raidTarget").GetProperty("description").GetString());
    }

    [Fact]
    public async Task The_fields_of_a_get_are_query_parameters_with_their_comments()
    {
        using var document = await JsonAsync();
        var parameters = Operation(document, "/api/streams", "get").GetProperty("parameters").EnumerateArray().ToList();
        Assert.Equal(["pageSize", "pageToken", "query", "tag", "language", "squadAccountId"], parameters.Select(parameter => parameter.GetProperty("name").GetString()));
        Assert.All(parameters, parameter => Assert.Equal("query", parameter.GetProperty("in").GetString()));
        Assert.Equal("1 to 200; 0 = 50.", parameters[0].GetProperty("description").GetString());
    }

    [Fact]
    public async Task Types_are_those_of_proto_json()
    {
        using var document = await JsonAsync();
        var transfer = Schema(document, "ledger.v1.Transfer").GetProperty("properties");
        Assert.Equal(("string", "int64"), TypeOf(transfer.GetProperty("amountMicrocredits")));
        Assert.Equal(("string", "date-time"), TypeOf(transfer.GetProperty("bookedAt")));
        Assert.Equal("#/components/schemas/ledger.v1.TransferCode", transfer.GetProperty("code").GetProperty("$ref").GetString());
        Assert.Equal("TRANSFER_CODE_UNSPECIFIED", Schema(document, "ledger.v1.TransferCode").GetProperty("enum")[0].GetString());
        var summary = Schema(document, "raids.v1.StreamSummary").GetProperty("properties");
        Assert.Equal(("integer", "uint32"), TypeOf(summary.GetProperty("viewers")));
        var list = Schema(document, "raids.v1.ListStreamsResponse").GetProperty("properties").GetProperty("streams");
        Assert.Equal("#/components/schemas/raids.v1.StreamSummary", list.GetProperty("items").GetProperty("$ref").GetString());
    }

    [Fact]
    public async Task An_operation_lists_the_reasons_of_its_comment_and_those_of_its_token()
    {
        using var document = await JsonAsync();
        var end = Operation(document, "/api/streams/{streamId}/end", "post");
        Assert.Equal(
            [
                "unknown_stream", "not_your_stream", "unknown_raid_target", "raid_to_itself", "raid_not_accepted", "raid_audience_out_of_range",
                "raid_target_leaving", "raid_cool_down", "raid_limit_reached", "raid_already_running", "invalid_countdown", "missing_token", "invalid_token", "token_revoked",
                "malformed_request", "too_many_calls", "internal_error", "service_unavailable",
            ],
            end.GetProperty(ContractsDocument.ReasonsExtension).EnumerateArray().Select(reason => reason.GetString()));
        Assert.DoesNotContain("missing_token", Operation(document, "/api/auth/guest", "post").GetProperty(ContractsDocument.ReasonsExtension).EnumerateArray().Select(reason => reason.GetString()));
        Assert.Equal(["200", "400", "401", "403", "404", "429", "500", "503"], end.GetProperty("responses").EnumerateObject().Select(response => response.Name));
    }

    [Fact]
    public async Task Each_status_has_the_shape_of_errors_and_an_example_for_each_of_its_reasons()
    {
        using var document = await JsonAsync();
        var missing = Operation(document, "/api/streams/{streamId}/end", "post").GetProperty("responses").GetProperty("404").GetProperty("content").GetProperty("application/json");
        Assert.Equal("#/components/schemas/google.rpc.Status", missing.GetProperty("schema").GetProperty("$ref").GetString());
        Assert.Equal(["unknown_stream", "unknown_raid_target"], missing.GetProperty("examples").EnumerateObject().Select(example => example.Name));
        var example = missing.GetProperty("examples").GetProperty("unknown_stream");
        Assert.Equal("No live stream has this id.", example.GetProperty("summary").GetString());
        Assert.Equal(5, example.GetProperty("value").GetProperty("code").GetInt32());
        Assert.Equal("unknown_stream", example.GetProperty("value").GetProperty("details")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Answers_have_the_headers_of_rates()
    {
        using var document = await JsonAsync();
        var responses = Operation(document, "/api/wallet", "get").GetProperty("responses");
        Assert.Equal(["RateLimit-Policy", "RateLimit"], responses.GetProperty("200").GetProperty("headers").EnumerateObject().Select(header => header.Name));
        Assert.Equal(["RateLimit-Policy", "RateLimit", "Retry-After"], responses.GetProperty("429").GetProperty("headers").EnumerateObject().Select(header => header.Name));
    }

    [Fact]
    public void Every_text_field_that_rest_knows_has_an_example() => Offences.None(Protos.Ours()
        .Where(file => file.Service.Count > 0)
        .SelectMany(file => Rest(file))
        .Where(field => field.Type == Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type.String && !Examples.Knows(field.Name))
        .Select(field => field.Name).Distinct(StringComparer.Ordinal));

    /// <summary>The fields of all messages that an RPC with a REST rule takes or gives, and of those in them.</summary>
    private static IEnumerable<Google.Protobuf.Reflection.FieldDescriptorProto> Rest(Google.Protobuf.Reflection.FileDescriptorProto file)
    {
        var open = new Stack<string>(file.Service.SelectMany(service => service.Method).Where(method => HttpRules.Of(method) is not null).SelectMany(method => new[] { method.InputType, method.OutputType }));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPop(out var type))
        {
            if (!seen.Add(type) || file.MessageType.FirstOrDefault(message => $".{file.Package}.{message.Name}" == type) is not { } message)
                continue;
            foreach (var field in message.Field)
            {
                open.Push(field.TypeName);
                yield return field;
            }
        }
    }

    [Fact]
    public async Task A_call_that_streams_says_what_a_line_of_its_body_is()
    {
        using var document = await JsonAsync();
        var watch = Operation(document, "/api/streams/{streamId}/tree/changes", "get");
        var ok = watch.GetProperty("responses").GetProperty("200");
        Assert.Contains("one JSON object of this schema a line", ok.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal("#/components/schemas/topology.v1.WatchTreeResponse", ok.GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString());
        Assert.Equal(
            ["unknown_stream", "invalid_stripe", "too_many_watchers", "service_unavailable", "malformed_request", "too_many_calls", "internal_error"],
            watch.GetProperty(ContractsDocument.ReasonsExtension).EnumerateArray().Select(reason => reason.GetString()));
    }

    [Fact]
    public async Task Operations_that_need_a_token_say_so_and_the_others_do_not()
    {
        using var document = await JsonAsync();
        Assert.True(Operation(document, "/api/wallet", "get").GetProperty("security")[0].TryGetProperty("bearer", out _));
        Assert.False(Operation(document, "/api/streams", "get").TryGetProperty("security", out _));
        Assert.Equal("http", document.RootElement.GetProperty("components").GetProperty("securitySchemes").GetProperty("bearer").GetProperty("type").GetString());
    }

    [Fact]
    public void The_anonymous_rpcs_exist() => Assert.Subset(
        Protos.Methods().Select(rpc => $"{rpc.Service.Name}.{rpc.Method.Name}").ToHashSet(StringComparer.Ordinal),
        ContractsDocument.AnonymousRpcs.ToHashSet(StringComparer.Ordinal));

    [Fact]
    public async Task Anybody_may_read_the_document_and_its_page()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        await using var app = builder.Build();
        app.MapOpenApiDocument();
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var client = app.GetTestClient();
        using var document = await client.GetAsync("/openapi/v1.json", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, document.StatusCode);
        Assert.Equal("application/json", document.Content.Headers.ContentType?.MediaType);
        using var page = await client.GetAsync("/scalar/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("openapi/v1.json", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static async Task<JsonDocument> JsonAsync() =>
        JsonDocument.Parse(await ContractsDocument.Build().SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, TestContext.Current.CancellationToken));

    private static JsonElement Operation(JsonDocument document, string path, string verb) => document.RootElement.GetProperty("paths").GetProperty(path).GetProperty(verb);

    private static JsonElement Schema(JsonDocument document, string name) => document.RootElement.GetProperty("components").GetProperty("schemas").GetProperty(name);

    private static (string?, string?) TypeOf(JsonElement schema) => (schema.GetProperty("type").GetString(), schema.GetProperty("format").GetString());
}
