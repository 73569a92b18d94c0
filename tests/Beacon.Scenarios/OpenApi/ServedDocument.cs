using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Beacon.Scenarios.OpenApi;

/// <summary>The document as the server serves it, and what it promises of each operation.</summary>
internal sealed class ServedDocument
{
    private const string ComponentsPointer = "#/components/schemas/";
    private readonly JsonObject _definitions;

    public ServedDocument(string json)
    {
        var root = JsonNode.Parse(json.Replace(ComponentsPointer, "#/$defs/", StringComparison.Ordinal))!;
        _definitions = root["components"]!["schemas"]!.AsObject();
        // A field that the document does not know is a defect of the document: nothing else may come.
        foreach (var definition in _definitions)
            Close(definition.Value!);
        Operations = root["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(verb => new ServedOperation(this, path.Key, new HttpMethod(verb.Key.ToUpperInvariant()), verb.Value!.AsObject())))
            .ToDictionary(operation => operation.Id, StringComparer.Ordinal);
    }

    public Dictionary<string, ServedOperation> Operations { get; }

    /// <summary>What is wrong with a value, by a schema of the document; empty when nothing is.</summary>
    public string Complaints(JsonNode schema, string json)
    {
        var whole = schema.DeepClone().AsObject();
        Close(whole);
        whole["$defs"] = _definitions.DeepClone();
        using var value = JsonDocument.Parse(json);
        var result = JsonSchema.FromText(whole.ToJsonString()).Evaluate(value.RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List, RequireFormatValidation = true });
        return result.IsValid
            ? ""
            : string.Join('\n', (result.Details ?? []).Where(detail => detail.Errors is not null)
                .SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}"))) + $"\nin {json}";
    }

    /// <summary>Whether a value of this schema can be anything but an empty object.</summary>
    public bool HasFields(JsonNode schema) => schema["$ref"]?.GetValue<string>() is { } reference
        ? HasFields(_definitions[reference[(reference.LastIndexOf('/') + 1)..]]!)
        : schema["type"]?.GetValue<string>() is not "object" || schema["properties"] is JsonObject { Count: > 0 };

    private static void Close(JsonNode schema)
    {
        if (schema is not JsonObject type)
            return;
        if (type["properties"] is JsonObject properties)
        {
            type["additionalProperties"] ??= false;
            foreach (var property in properties)
                Close(property.Value!);
        }

        if (type["items"] is { } items)
            Close(items);
    }
}

/// <summary>One verb of one path.</summary>
internal sealed class ServedOperation(ServedDocument document, string path, HttpMethod verb, JsonObject json)
{
    public string Id => json["operationId"]!.GetValue<string>();

    public string Path => path;

    public HttpMethod Verb => verb;

    public bool NeedsToken => json.ContainsKey("security");

    public bool HasBody => json.ContainsKey("requestBody");

    public bool Streams => json["responses"]!["200"]!["description"]!.GetValue<string>().Contains("a line", StringComparison.Ordinal);

    public List<string> Reasons => [.. json["x-reasons"]!.AsArray().Select(reason => reason!.GetValue<string>())];

    public JsonArray Parameters => json["parameters"]?.AsArray() ?? [];

    /// <summary>What is wrong with the document's own examples of this operation.</summary>
    public IEnumerable<string> ComplaintsAboutExamples()
    {
        if (json["requestBody"] is { } body)
            yield return Of(body);
        yield return Of(json["responses"]!["200"]!);
        foreach (var parameter in Parameters)
            yield return document.Complaints(parameter!["schema"]!, parameter["example"]!.ToJsonString());
        foreach (var response in json["responses"]!.AsObject().Where(response => response.Key is not "200"))
        {
            foreach (var example in Media(response.Value!)["examples"]!.AsObject())
                yield return document.Complaints(Media(response.Value!)["schema"]!, example.Value!["value"]!.ToJsonString());
        }

        // The document has no example where it would be an empty object.
        string Of(JsonNode content) => Media(content)["example"] is { } example
            ? document.Complaints(Media(content)["schema"]!, example.ToJsonString())
            : document.HasFields(Media(content)["schema"]!) ? "There is no example." : "";
    }

    /// <summary>What is wrong with an answer; empty when it is one that the document tells of.</summary>
    public string Complaints(int status, string body)
    {
        if (json["responses"]![status.ToString(System.Globalization.CultureInfo.InvariantCulture)] is not { } response)
            return $"The document has no answer {status}: {body}";
        return document.Complaints(Media(response)["schema"]!, body);
    }

    /// <summary>The example that the document gives for a reason, or null when it does not list it under this status.</summary>
    public JsonNode? Example(int status, string reason) =>
        json["responses"]![status.ToString(System.Globalization.CultureInfo.InvariantCulture)] is { } response ? Media(response)["examples"]?[reason]?["value"] : null;

    private static JsonNode Media(JsonNode content) => content["content"]!["application/json"]!;
}
