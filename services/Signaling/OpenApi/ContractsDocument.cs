using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beacon.Contracts;
using Beacon.Signaling.Calls;
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

    /// <summary>How any call can fail, whatever it is.</summary>
    private static readonly string[] ReasonsOfAll = ["malformed_request", "too_many_calls", "internal_error", "service_unavailable"];

    private static readonly string[] ReasonsOfTokens = ["missing_token", "invalid_token", "token_revoked"];

    /// <summary>How a call that changes the ledger can fail besides.</summary>
    private static readonly string[] ReasonsOfBookings = ["ledger_busy", "ledger_unavailable", "ledger_disk_full", "ledger_read_only", "ledger_standby"];

    /// <summary>Every answer tells of the caller's rate; docs/api.md explains the fields.</summary>
    private static readonly (string Name, string Description, string Example)[] RateFields =
    [
        (RateHeaders.Policies, "What the caller may: q calls at once, and as many again in w seconds.", "\"calls\";q=500;w=10"),
        (RateHeaders.Limit, "What is left of it: r calls now, and the whole of it in t seconds.", "\"calls\";r=499;t=1"),
    ];

    private static readonly (string Name, string Description, string Example) RetryAfter = ("Retry-After", "In how many seconds to call again.", "1");

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
        var examples = new Examples(protos);
        var errors = ErrorPage.Load();
        document.AddComponent<IOpenApiSchema>(ErrorSchema.Name, ErrorSchema.Make());
        foreach (var (file, service) in protos.Services)
        {
            var methods = service.Method.Where(method => method.Options?.HasExtension(AnnotationsExtensions.Http) == true).ToList();
            if (methods.Count == 0)
                continue;
            var tag = service.Name.Replace("Service", "", StringComparison.Ordinal);
            document.Tags.Add(new OpenApiTag { Name = tag, Description = protos.Comment(service) });
            foreach (var method in methods)
                new Operation(document, schemas, examples, protos, errors).Add(service, method, tag);
        }

        return document;
    }

    /// <summary>What the operations share while a document is made.</summary>
    private sealed record Operation(
        OpenApiDocument Document, ProtoSchemas Schemas, Examples Examples, ProtoIndex Protos, Dictionary<string, DocumentedError> Errors)
    {
        public void Add(ServiceDescriptorProto service, MethodDescriptorProto method, string tag)
        {
            var rule = method.Options.GetExtension(AnnotationsExtensions.Http);
            var (verb, pattern) = Route(rule);
            var request = Protos.Message(method.InputType);
            var inPath = PathVariable().Matches(pattern).Select(variable => variable.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
            var comment = Protos.Comment(method);
            var operation = new OpenApiOperation
            {
                OperationId = $"{tag}_{method.Name}",
                Summary = FirstSentence(comment),
                Description = comment,
                Tags = new HashSet<OpenApiTagReference> { new(tag, Document) },
                Parameters = [],
                Responses = new OpenApiResponses
                {
                    ["200"] = new OpenApiResponse
                    {
                        Description = method.ServerStreaming ? StreamedDescription : "OK",
                        Content = Json(Schemas.Reference(method.OutputType), Examples.Of(method.OutputType)),
                        Headers = RateFields.ToDictionary(field => field.Name, IOpenApiHeader (field) => Header(field), StringComparer.Ordinal),
                    },
                },
            };
            foreach (var field in request.Field.Where(field => inPath.Contains(field.Name)))
                operation.Parameters.Add(Parameter(field, ParameterLocation.Path));
            var rest = request.Field.Where(field => !inPath.Contains(field.Name)).ToList();
            operation.RequestBody = Body(rule, method, request, rest, wholeMessage: inPath.Count == 0);
            if (rule.Body is not "*")
            {
                foreach (var field in rest.Where(field => field.Name != rule.Body))
                    operation.Parameters.Add(Parameter(field, ParameterLocation.Query));
            }

            var needsToken = !AnonymousRpcs.Contains($"{service.Name}.{method.Name}");
            if (needsToken)
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, Document)] = [] }];
            var books = verb != HttpMethod.Get && service.Name.StartsWith("Ledger", StringComparison.Ordinal);
            string[] reasons = [.. ReasonsOf(comment), .. needsToken ? ReasonsOfTokens : [], .. books ? ReasonsOfBookings : [], .. ReasonsOfAll];
            AddFailures(operation, [.. reasons.Distinct(StringComparer.Ordinal)]);
            var path = PathVariable().Replace(pattern, variable => $"{{{request.Field.Single(field => field.Name == variable.Groups["name"].Value).JsonName}}}");
            if (!Document.Paths.TryGetValue(path, out var item))
                Document.Paths[path] = item = new OpenApiPathItem();
            ((OpenApiPathItem)item).AddOperation(verb, operation);
        }

        private OpenApiRequestBody? Body(HttpRule rule, MethodDescriptorProto method, DescriptorProto request, List<FieldDescriptorProto> fields, bool wholeMessage)
        {
            if (rule.Body.Length == 0)
                return null;
            if (rule.Body is not "*")
            {
                var field = fields.Single(field => field.Name == rule.Body);
                return new OpenApiRequestBody { Required = true, Content = Json(Schemas.Of(field), Examples.Of(field)) };
            }

            return new OpenApiRequestBody
            {
                Required = true,
                Content = Json(wholeMessage ? Schemas.Reference(method.InputType) : Schemas.Object(fields, Protos.Comment(request)), Examples.Of(fields, request.OneofDecl.Count)),
            };
        }

        /// <summary>One response for each HTTP status that a reason of the list has, with an example for each reason.</summary>
        private void AddFailures(OpenApiOperation operation, List<string> reasons)
        {
            foreach (var group in reasons.Select(reason => Errors[reason]).GroupBy(error => error.HttpStatus, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
            {
                var isTooMany = group.Key is "429";
                operation.Responses![group.Key] = new OpenApiResponse
                {
                    Description = $"Nothing was changed: {string.Join(", ", group.Select(error => $"`{error.Reason}`"))}.",
                    Headers = isTooMany ? RateFields.Append(RetryAfter).ToDictionary(field => field.Name, IOpenApiHeader (field) => Header(field), StringComparer.Ordinal) : null,
                    Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                    {
                        ["application/json"] = new OpenApiMediaType
                        {
                            Schema = new OpenApiSchemaReference(ErrorSchema.Name, Document),
                            Examples = group.ToDictionary(
                                error => error.Reason,
                                IOpenApiExample (error) => new OpenApiExample { Summary = error.When, Value = error.Example() },
                                StringComparer.Ordinal),
                        },
                    },
                };
            }

            operation.Extensions = new Dictionary<string, IOpenApiExtension>
            {
                [ReasonsExtension] = new JsonNodeExtension(new JsonArray([.. reasons.Select(reason => JsonValue.Create(reason))])),
            };
        }

        private OpenApiParameter Parameter(FieldDescriptorProto field, ParameterLocation location) => new()
        {
            Name = field.JsonName,
            In = location,
            Required = location == ParameterLocation.Path,
            Description = Protos.Comment(field) is { Length: > 0 } comment ? comment : null,
            Schema = Schemas.Of(field, described: false),
            Example = Examples.Of(field),
        };
    }

    private static OpenApiHeader Header((string Name, string Description, string Example) field) => new OpenApiHeader
    {
        Description = field.Description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        Example = field.Example,
    };

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

    private static Dictionary<string, OpenApiMediaType> Json(IOpenApiSchema schema, JsonNode example) =>
        new(StringComparer.Ordinal) { ["application/json"] = new OpenApiMediaType { Schema = schema, Example = example } };

    private static string FirstSentence(string comment) =>
        comment.IndexOf(". ", StringComparison.Ordinal) is >= 0 and var end ? comment[..end] : comment.TrimEnd('.');

    [GeneratedRegex(@"\{(?<name>[a-z0-9_]+)\}", RegexOptions.NonBacktracking)]
    private static partial Regex PathVariable();

    [GeneratedRegex("(?:Errors:|Refused with)[^.]*", RegexOptions.NonBacktracking)]
    private static partial Regex ErrorList();

    [GeneratedRegex("`(?<name>[a-z0-9_]+)`", RegexOptions.NonBacktracking)]
    private static partial Regex Quoted();
}
