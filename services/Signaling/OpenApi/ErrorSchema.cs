using Microsoft.OpenApi;

namespace Beacon.Signaling.OpenApi;

/// <summary>The body of every failed call: google.rpc.Status as proto JSON with one google.rpc.ErrorInfo.</summary>
internal static class ErrorSchema
{
    public const string Name = "google.rpc.Status";

    public static OpenApiSchema Make() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "Why a call failed.",
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["code"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Description = "The gRPC status code." },
            ["message"] = Text("For people: what is wrong and what to do."),
            ["details"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema>
                    {
                        ["@type"] = Text("type.googleapis.com/google.rpc.ErrorInfo"),
                        ["reason"] = Text("For machines; docs/errors.md lists them all."),
                        ["domain"] = Text("beacon"),
                        ["metadata"] = new OpenApiSchema
                        {
                            Type = JsonSchemaType.Object,
                            Description = "retryable: true when the same call may succeed later.",
                            AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.String },
                        },
                    },
                },
            },
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
}
