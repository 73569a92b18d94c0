using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>What the documents tell people to type does what they say.</summary>
public sealed partial class DocumentScenarios(ComposedFixture fixture) : IClassFixture<ComposedFixture>
{
    /// <summary>Answers that only say that the example's ids are nobody's here, or that its text leaves to the reader what cannot be made up.</summary>
    private static readonly HashSet<string> Understood =
    [
        "unknown_stream", "unknown_peer", "unknown_raid", "unknown_channel", "unknown_transfer", "unknown_withdrawal", "unknown_sponsorship", "unknown_account",
        "not_your_channel", "invalid_refresh_token", "insufficient_credits",
    ];

    private static readonly string[] WithCalls = ["docs/api.md", "docs/operations.md"];

    public static TheoryData<string, string> CurlBlocks =>
    [
        .. from file in WithCalls
           from block in Fence().Matches(File.ReadAllText(Path.Combine(Repository.Root, file))).Select(match => match.Groups["text"].Value)
           where block.Contains("curl ", StringComparison.Ordinal)
           select new TheoryDataRow<string, string>(file, block),
    ];

    public static TheoryData<string> HttpFiles => [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs", "http"), "*.http").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>As a person types them, with a guest in the place of the dots, at the address of this server, one block in a shell.</summary>
    [Theory]
    [MemberData(nameof(CurlBlocks))]
    public async Task The_curl_examples_are_answered(string file, string block)
    {
        var rich = await fixture.RichGuestAsync("Rich", 2_000_000);
        var withdrawal = Guid.NewGuid();
        Assert.Equal(200, (await fixture.Rest.PostAsync("/api/withdrawals", new { withdrawalId = withdrawal, amountMicrocredits = "1" }, rich)).Status);
        var token = (await fixture.Rest.GuestAsync("Operator", BeaconServer.OperatorKey)).AccessToken;
        // A withdrawal is decided once, and the block shows both ways.
        var typed = string.Join('\n', block.Split('\n').Where(line => !line.Contains("/void ", StringComparison.Ordinal)))
            .Replace("http://127.0.0.1:8080", fixture.Server.Http.ToString().TrimEnd('/'), StringComparison.Ordinal)
            .Replace("guest-...", rich.AccountId, StringComparison.Ordinal)
            .Replace("$(cat Beacon.Server/.beacon/operator.key)", $"'{BeaconServer.OperatorKey}'", StringComparison.Ordinal);

        var (exitCode, output) = await ShellAsync(
            $$"""
            set -euo pipefail
            curl() { command curl --silent --show-error --fail-with-body "$@"; }
            token={{token}}
            id={{withdrawal}}
            {{typed}}
            """);

        Assert.True(exitCode == 0, $"{file}: exit {exitCode}\n{output}");
    }

    [Theory]
    [MemberData(nameof(HttpFiles))]
    public async Task The_requests_of_the_http_files_are_understood(string name)
    {
        var token = (await fixture.Rest.GuestAsync("Operator", BeaconServer.OperatorKey)).AccessToken;
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "http", name), TestContext.Current.CancellationToken);
        var requests = text.Split("\n### ").Skip(1).ToList();
        Assert.NotEmpty(requests);
        foreach (var request in requests)
        {
            var (status, reason) = await SendAsync(request, token);
            Assert.True(status == 200 || Understood.Contains(reason), $"{name}: {request}\n{status} {reason}");
        }
    }

    private async Task<(int Status, string Reason)> SendAsync(string request, string token)
    {
        var lines = request.Split('\n');
        var start = Array.FindIndex(lines, line => line.Contains("{{origin}}", StringComparison.Ordinal));
        var words = lines[start].Split(' ', 2);
        using var message = new HttpRequestMessage(new HttpMethod(words[0]), words[1].Replace("{{origin}}", "", StringComparison.Ordinal));
        if (lines[start..].Any(line => line is "Authorization: Bearer {{token}}"))
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var body = string.Join('\n', lines[start..].SkipWhile(line => line.Length > 0)).Trim();
        if (body.Length > 0)
            message.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var http = new HttpClient { BaseAddress = fixture.Server.Http };
        using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (response.IsSuccessStatusCode)
            return (200, "");
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        return ((int)response.StatusCode, answer["details"]![0]!["reason"]!.GetValue<string>());
    }

    private static async Task<(int ExitCode, string Output)> ShellAsync(string script)
    {
        using var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("bash", ["-c", script])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (shell.ExitCode, output + await errors);
    }

    [GeneratedRegex("^```sh\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
