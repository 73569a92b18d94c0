using System.Text.Json.Nodes;
using Grpc.Core;

namespace Beacon.Signaling.OpenApi;

/// <summary>One row of docs/errors.md.</summary>
/// <param name="Reason">The machine reason.</param>
/// <param name="Status">The gRPC status.</param>
/// <param name="HttpStatus">The HTTP status, as text.</param>
/// <param name="When">When it is the answer.</param>
internal sealed record DocumentedError(string Reason, StatusCode Status, string HttpStatus, string When)
{
    /// <summary>The body of such an answer.</summary>
    public JsonObject Example() => new()
    {
        ["code"] = (int)Status,
        ["message"] = When,
        ["details"] = new JsonArray(new JsonObject
        {
            ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo",
            ["reason"] = Reason,
            ["domain"] = "beacon",
            ["metadata"] = new JsonObject { ["retryable"] = When.Contains("Retryable", StringComparison.Ordinal) ? "true" : "false" },
        }),
    };
}

/// <summary>
/// docs/errors.md, which is built into this assembly: it knows the errors of all four services, whose own lists an architecture test
/// compares with it. This process hosts only some of them.
/// </summary>
internal static class ErrorPage
{
    private const string Resource = "errors.md";

    public static Dictionary<string, DocumentedError> Load()
    {
        using var stream = typeof(ErrorPage).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The resource {Resource} is missing from {typeof(ErrorPage).Assembly.FullName}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => new DocumentedError(cells[1].Trim('`'), StatusOf(cells[2]), cells[3], cells[4]))
            .ToDictionary(error => error.Reason, StringComparer.Ordinal);
    }

    /// <summary><c>INVALID_ARGUMENT</c> is <see cref="StatusCode.InvalidArgument"/>.</summary>
    private static StatusCode StatusOf(string name) => Enum.Parse<StatusCode>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
