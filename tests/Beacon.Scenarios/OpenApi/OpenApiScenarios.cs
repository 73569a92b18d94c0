using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beacon.Scenarios.OpenApi;

/// <summary>The server does what its own document says: every operation, called rightly and wrongly.</summary>
public sealed class OpenApiScenarios(OpenApiFixture fixture) : IClassFixture<OpenApiFixture>
{
    public static TheoryData<string> Operations => [.. OpenApiCases.All.Keys];

    [Fact]
    public void Every_operation_of_the_served_document_has_a_case_here_and_every_case_an_operation() =>
        Assert.Equal(fixture.Document.Operations.Keys.Order(StringComparer.Ordinal), OpenApiCases.All.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void The_examples_of_the_document_fit_its_schemas() => Assert.Empty(fixture.Document.Operations.Values
        .SelectMany(operation => operation.ComplaintsAboutExamples().Where(complaint => complaint.Length > 0).Select(complaint => $"{operation.Id}: {complaint}")));

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_valid_call_gets_what_the_document_promises(string operation)
    {
        var served = fixture.Document.Operations[operation];
        var answer = await CallAsync(served, await OpenApiCases.All[operation].Valid(fixture));

        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Body}");
        Assert.Equal("", served.Complaints(answer.Status, answer.Body));
        Assert.Matches("^\"calls\";q=[0-9]+;w=[0-9]+", answer.RatePolicy);
        if (OpenApiCases.All[operation].After is { } after)
            await after(fixture);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Each_wrong_call_gets_the_error_that_the_document_lists_for_it(string operation)
    {
        var served = fixture.Document.Operations[operation];
        foreach (var (reason, make) in OpenApiCases.All[operation].Invalid)
            await ExpectAsync(served, reason, await make(fixture));
        var call = await OpenApiCases.All[operation].Valid(fixture);
        if (served.NeedsToken)
        {
            await ExpectAsync(served, "missing_token", call with { Token = null });
            await ExpectAsync(served, "invalid_token", call with { Token = "forged.token.here" });
        }

        if (served.HasBody)
            await ExpectAsync(served, "malformed_request", call with { Body = "{\"unfinished\":" });
        foreach (var number in served.Parameters.Where(parameter => parameter!["in"]!.GetValue<string>() is "query" && parameter["schema"]!["type"]?.GetValue<string>() is "integer"))
            await ExpectAsync(served, "malformed_request", call with { Parameters = [.. call.Parameters, (number!["name"]!.GetValue<string>(), "many")] });
    }

    [Theory]
    [InlineData("GET", "/api/nonsense", 404, "")]
    [InlineData("PATCH", "/api/wallet", 405, "GET")]
    [InlineData("PATCH", "/api/channels/somebody/settings", 405, "GET, PUT")]
    public async Task What_is_no_operation_is_answered_in_the_shape_of_every_error(string verb, string path, int status, string allow)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        using var response = await fixture.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var reason = ReasonOf(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((status, "unknown_operation", allow), ((int)response.StatusCode, reason, string.Join(", ", response.Content.Headers.Allow.Order(StringComparer.Ordinal))));
    }

    private async Task ExpectAsync(ServedOperation operation, string reason, OpenApiCall call)
    {
        var answer = await CallAsync(operation, call);
        var told = $"{operation.Id}, {reason}: {answer.Status} {answer.Body}";
        Assert.True(answer.Reason == reason, told);
        Assert.True(operation.Reasons.Contains(reason, StringComparer.Ordinal), $"The document does not list it. {told}");
        var example = operation.Example(answer.Status, reason);
        Assert.True(example is not null, $"The document lists it under another status. {told}");
        Assert.Equal("", operation.Complaints(answer.Status, answer.Body));
        var body = JsonNode.Parse(answer.Body)!;
        Assert.Equal(example["code"]!.GetValue<int>(), body["code"]!.GetValue<int>());
        Assert.Equal(example["details"]![0]!["metadata"]!["retryable"]!.GetValue<string>(), body["details"]![0]!["metadata"]!["retryable"]!.GetValue<string>());
    }

    private async Task<(int Status, string Body, string Reason, string RatePolicy)> CallAsync(ServedOperation operation, OpenApiCall call)
    {
        var path = operation.Path;
        var query = new StringBuilder();
        foreach (var (name, value) in call.Parameters)
        {
            Assert.Contains(operation.Parameters, parameter => parameter!["name"]!.GetValue<string>() == name);
            if (path.Contains($"{{{name}}}", StringComparison.Ordinal))
                path = path.Replace($"{{{name}}}", Uri.EscapeDataString(value), StringComparison.Ordinal);
            else
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        using var request = new HttpRequestMessage(operation.Verb, path + query);
        if (call.Token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", call.Token);
        if (operation.HasBody)
            request.Content = new StringContent(call.Body as string ?? JsonSerializer.Serialize(call.Body ?? new { }), Encoding.UTF8, "application/json");
        using var response = await fixture.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var body = operation.Streams && response.IsSuccessStatusCode ? await FirstLineAsync(response) : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var policy = response.Headers.TryGetValues("RateLimit-Policy", out var values) ? string.Join(", ", values) : "";
        return ((int)response.StatusCode, body, ReasonOf(body), policy);
    }

    private static async Task<string> FirstLineAsync(HttpResponseMessage response)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        return await reader.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
    }

    private static string ReasonOf(string body) =>
        body.StartsWith('{') && JsonNode.Parse(body)!["details"] is JsonArray { Count: > 0 } details ? details[0]!["reason"]?.GetValue<string>() ?? "" : "";
}
