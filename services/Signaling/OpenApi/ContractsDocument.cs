using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beacon.Contracts;
using Google.Api;
using Google.Protobuf.Reflection;
using Microsoft.OpenApi;

namespace Beacon.Signaling.OpenApi;

/// <summary>
/// The REST surface of all four services as one OpenAPI 3.1 document. It is made from the protos and their comments, which every
/// process has, so that the public origin can tell of services that run elsewhere.
/// </summary>
public static partial class ContractsDocument
{
    /// <summary>The extension that lists an operation's machine reasons.</summary>
    public const string ReasonsExtension = "x-reasons";

    private const string Bearer = "bearer";

    /// <summary>OpenAPI has no word for a body that goes on: the schema is that of a line.</summary>
    private const string StreamedDescription = "OK. The body goes on until the call ends: one JSON object of this schema a line.";

    /// <summary>The RPCs that need no access token; an architecture test compares them with the services' attributes.</summary>
    public static IReadOnlySet<string> AnonymousRpcs { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "SignalingService.CreateGuest",
        "SignalingService.RefreshTokens",
        "TopologyService.GetStream",
        "TopologyService.GetTree",
        "TopologyService.WatchTree",
        "TopologyService.ExplainPeer",
        "RaidsService.ListStreams",
        "RaidsService.WatchStreams",
        "RaidsService.GetRaid",
        "RaidsService.ListRaids",
        "RaidsService.GetChannel",
    };

    /// <summary>A fresh document.</summary>
    public static OpenApiDocument Build()
    {
        var protos = new ProtoIndex(DescriptorSet.Load());
        var document = new OpenApiDocument
        {
            Info = new OpenApiInfo
            {
                Title = "Beacon",
                Version = "v1",
                Description = "Live streams that viewers receive from each other. The same calls are gRPC and gRPC-Web; here they are JSON. "
                    + "Failures have a google.rpc.Status as their body, whose ErrorInfo carries the reason.",
            },
            Components = new OpenApiComponents(),
            Paths = [],
            Tags = new HashSet<OpenApiTag>(),
        };
        document.AddComponent<IOpenApiSecurityScheme>(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = Bearer,
            BearerFormat = "JWT",
            Description = "An access token of the configured authority, or of POST /api/auth/guest.",
        });
        var schemas = new ProtoSchemas(protos, document);
        document.AddComponent<IOpenApiSchema>(ErrorSchema.Name, ErrorSchema.Make());
        foreach (var (file, service) in protos.Services)
        {
            var methods = service.Method.Where(method => method.Options?.HasExtension(AnnotationsExtensions.Http) == true).ToList();
            if (methods.Count == 0)
                continue;
            var tag = service.Name.Replace("Service", "", StringComparison.Ordinal);
            document.Tags.Add(new OpenApiTag { Name = tag, Description = protos.Comment(service) });
            foreach (var method in methods)
                AddOperation(document, schemas, protos, service, method, tag);
        }

        return document;
    }

    private static void AddOperation(
        OpenApiDocument document, ProtoSchemas schemas, ProtoIndex protos, ServiceDescriptorProto service, MethodDescriptorProto method, string tag)
    {
        var rule = method.Options.GetExtension(AnnotationsExtensions.Http);
        var (verb, pattern) = Route(rule);
        var request = protos.Message(method.InputType);
        var inPath = PathVariable().Matches(pattern).Select(variable => variable.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var comment = protos.Comment(method);
        var operation = new OpenApiOperation
        {
            OperationId = $"{tag}_{method.Name}",
            Summary = FirstSentence(comment),
            Description = comment,
            Tags = new HashSet<OpenApiTagReference> { new(tag, document) },
            Parameters = [],
            Responses = new OpenApiResponses
            {
                ["200"] = new OpenApiResponse { Description = method.ServerStreaming ? StreamedDescription : "OK", Content = Json(schemas.Reference(method.OutputType)) },
            },
        };
        foreach (var field in request.Field.Where(field => inPath.Contains(field.Name)))
            operation.Parameters.Add(Parameter(field, ParameterLocation.Path, schemas, protos));
        var rest = request.Field.Where(field => !inPath.Contains(field.Name)).ToList();
        if (rule.Body is "*")
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = Json(inPath.Count == 0 ? schemas.Reference(method.InputType) : schemas.Object(rest, protos.Comment(request))),
            };
        }
        else if (rule.Body.Length > 0)
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Json(schemas.Of(rest.Single(field => field.Name == rule.Body))) };
        }

        if (rule.Body is not "*")
        {
            foreach (var field in rest.Where(field => field.Name != rule.Body))
                operation.Parameters.Add(Parameter(field, ParameterLocation.Query, schemas, protos));
        }

        var needsToken = !AnonymousRpcs.Contains($"{service.Name}.{method.Name}");
        if (needsToken)
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
        AddFailures(operation, document, ReasonsOf(comment).Concat(needsToken ? ["missing_token", "invalid_token"] : []).ToList());
        var path = PathVariable().Replace(pattern, variable => $"{{{request.Field.Single(field => field.Name == variable.Groups["name"].Value).JsonName}}}");
        if (!document.Paths.TryGetValue(path, out var item))
            document.Paths[path] = item = new OpenApiPathItem();
        ((OpenApiPathItem)item).AddOperation(verb, operation);
    }

    private static void AddFailures(OpenApiOperation operation, OpenApiDocument document, List<string> reasons)
    {
        var list = string.Join(", ", reasons.Select(reason => $"`{reason}`"));
        operation.Responses!["default"] = new OpenApiResponse
        {
            Description = reasons.Count == 0 ? "The call failed and changed nothing." : $"The call failed and changed nothing. Reasons: {list}.",
            Content = Json(new OpenApiSchemaReference(ErrorSchema.Name, document)),
        };
        if (reasons.Count > 0)
        {
            operation.Extensions = new Dictionary<string, IOpenApiExtension>
            {
                [ReasonsExtension] = new JsonNodeExtension(new JsonArray([.. reasons.Select(reason => JsonValue.Create(reason))])),
            };
        }
    }

    /// <summary>The reasons that an RPC's comment lists after <c>Errors:</c>, or names in a sentence with <c>Refused with</c>.</summary>
    internal static IEnumerable<string> ReasonsOf(string comment) =>
        ErrorList().Matches(comment).SelectMany(list => Quoted().Matches(list.Value)).Select(reason => reason.Groups["name"].Value).Distinct(StringComparer.Ordinal);

    /// <summary>The verb and the pattern of a rule.</summary>
    internal static (HttpMethod Verb, string Pattern) Route(HttpRule rule) => rule.PatternCase switch
    {
        HttpRule.PatternOneofCase.Get => (HttpMethod.Get, rule.Get),
        HttpRule.PatternOneofCase.Put => (HttpMethod.Put, rule.Put),
        HttpRule.PatternOneofCase.Post => (HttpMethod.Post, rule.Post),
        HttpRule.PatternOneofCase.Delete => (HttpMethod.Delete, rule.Delete),
        HttpRule.PatternOneofCase.Patch => (HttpMethod.Patch, rule.Patch),
        _ => throw new NotSupportedException($"An HTTP rule of the kind {rule.PatternCase} has no place in the document."),
    };

    private static OpenApiParameter Parameter(FieldDescriptorProto field, ParameterLocation location, ProtoSchemas schemas, ProtoIndex protos) => new()
    {
        Name = field.JsonName,
        In = location,
        Required = location == ParameterLocation.Path,
        Description = protos.Comment(field) is { Length: > 0 } comment ? comment : null,
        Schema = schemas.Of(field, described: false),
    };

    private static Dictionary<string, OpenApiMediaType> Json(IOpenApiSchema schema) =>
        new(StringComparer.Ordinal) { ["application/json"] = new OpenApiMediaType { Schema = schema } };

    private static string FirstSentence(string comment) =>
        comment.IndexOf(". ", StringComparison.Ordinal) is >= 0 and var end ? comment[..end] : comment.TrimEnd('.');

    [GeneratedRegex(@"\{(?<name>[a-z0-9_]+)\}", RegexOptions.NonBacktracking)]
    private static partial Regex PathVariable();

    [GeneratedRegex("(?:Errors:|Refused with)[^.]*", RegexOptions.NonBacktracking)]
    private static partial Regex ErrorList();

    [GeneratedRegex("`(?<name>[a-z0-9_]+)`", RegexOptions.NonBacktracking)]
    private static partial Regex Quoted();
}
