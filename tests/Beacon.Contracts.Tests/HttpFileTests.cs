using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beacon.Signaling.OpenApi;
using Microsoft.OpenApi;

namespace Beacon.Contracts.Tests;

/// <summary>docs/http: each operation as a request that editors send, made from the examples of the OpenAPI document.</summary>
public sealed partial class HttpFileTests
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Here(), "..", "..", "docs", "http"));
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_http_files_are_those_of_the_contracts()
    {
        var made = Make(JsonNode.Parse(await ContractsDocument.Build().SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, TestContext.Current.CancellationToken))!);
        if (Environment.GetEnvironmentVariable(Baseline.AcceptVariable) is "1")
        {
            Directory.CreateDirectory(Folder);
            foreach (var (name, text) in made)
                await File.WriteAllTextAsync(Path.Combine(Folder, name), text, TestContext.Current.CancellationToken);
        }

        Assert.Equal(made.Keys.Order(StringComparer.Ordinal), Directory.EnumerateFiles(Folder, "*.http").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(made, file => Assert.True(
            file.Value == File.ReadAllText(Path.Combine(Folder, file.Key)),
            $"docs/http/{file.Key} is not what the contracts say. Run contracts/accept.sh and commit the file."));
    }

    /// <summary>The files by name.</summary>
    private static SortedDictionary<string, string> Make(JsonNode document)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var tag in document["tags"]!.AsArray())
        {
            var name = tag!["name"]!.GetValue<string>();
            var text = new StringBuilder($"""
                # {tag["description"]!.GetValue<string>()}
                # Made from the contracts by contracts/accept.sh. A token: the answer of POST /api/auth/guest, in Signaling's file.
                @origin = http://127.0.0.1:8080
                @token =

                """);
            foreach (var (path, verbs) in document["paths"]!.AsObject())
            {
                foreach (var (verb, operation) in verbs!.AsObject().Where(verb => verb.Value!["tags"]![0]!.GetValue<string>() == name))
                    Append(text, verb.ToUpperInvariant(), path, operation!);
            }

            files[$"{WordStart().Replace(name, "-").ToLowerInvariant()}.http"] = text.ToString();
        }

        return files;
    }

    private static void Append(StringBuilder text, string verb, string path, JsonNode operation)
    {
        var query = new List<string>();
        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
        {
            var (name, value) = (parameter!["name"]!.GetValue<string>(), parameter["example"]!.ToString());
            if (parameter["in"]!.GetValue<string>() is "path")
                path = path.Replace($"{{{name}}}", value, StringComparison.Ordinal);
            // One that is left out says the same as an empty text and as nought.
            else if (value is not ("" or "0"))
                query.Add($"{name}={Uri.EscapeDataString(value)}");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n### {operation["summary"]!.GetValue<string>()}\n# @name {operation["operationId"]!.GetValue<string>()}\n");
        text.Append(CultureInfo.InvariantCulture, $"{verb} {{{{origin}}}}{path}{(query.Count > 0 ? "?" : "")}{string.Join('&', query)}\n");
        if (operation["security"] is not null)
            text.Append("Authorization: Bearer {{token}}\n");
        // The document has no example where it would be an empty object.
        if (operation["requestBody"] is { } body)
            text.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\n\n{body["content"]!["application/json"]!["example"]?.ToJsonString(Readable) ?? "{}"}\n");
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordStart();
}
