using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Microsoft.OpenApi;
using FieldType = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;

namespace Beacon.Signaling.OpenApi;

/// <summary>Proto types as JSON schemas, by the rules of proto JSON. Messages and enums become components of the document when they are first asked for.</summary>
internal sealed class ProtoSchemas(ProtoIndex protos, OpenApiDocument document)
{
    private readonly HashSet<string> _made = new(StringComparer.Ordinal);

    /// <summary>A reference to a message or an enum by its full name.</summary>
    public IOpenApiSchema Reference(string fullName)
    {
        if (fullName is ".google.protobuf.Timestamp")
            return new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" };
        if (fullName is ".google.protobuf.Duration")
            return new OpenApiSchema { Type = JsonSchemaType.String, Description = "Seconds with up to nine fractional digits and an s: 1.5s." };
        var name = ComponentName(fullName);
        // Noted before it is made: a message may hold itself.
        if (_made.Add(fullName))
            document.AddComponent<IOpenApiSchema>(name, protos.IsMessage(fullName) ? Object(protos.Message(fullName).Field, protos.Comment(protos.Message(fullName))) : Enum(fullName));
        return new OpenApiSchemaReference(name, document);
    }

    /// <summary>An object of these fields. proto3 sends no default values, so none is required.</summary>
    public OpenApiSchema Object(IEnumerable<FieldDescriptorProto> fields, string comment) => new()
    {
        Type = JsonSchemaType.Object,
        Description = comment.Length > 0 ? comment : null,
        Properties = fields.ToDictionary(field => field.JsonName, field => Of(field), StringComparer.Ordinal),
    };

    /// <summary>The schema of one field.</summary>
    /// <param name="described">False when the field's comment stands elsewhere, as with a parameter.</param>
    public IOpenApiSchema Of(FieldDescriptorProto field, bool described = true)
    {
        var comment = described ? protos.Comment(field) : "";
        if (field.Label != FieldDescriptorProto.Types.Label.Repeated)
            return Single(field, comment);
        if (field.Type == FieldType.Message && protos.Message(field.TypeName) is { Options.MapEntry: true } entry)
        {
            return new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = comment.Length > 0 ? comment : null,
                AdditionalProperties = Of(entry.Field.Single(part => part.Number == 2)),
            };
        }

        return new OpenApiSchema { Type = JsonSchemaType.Array, Description = comment.Length > 0 ? comment : null, Items = Single(field, "") };
    }

    private IOpenApiSchema Single(FieldDescriptorProto field, string comment)
    {
        var schema = field.Type is FieldType.Message or FieldType.Enum ? Reference(field.TypeName) : Scalar(field.Type);
        if (comment.Length == 0)
            return schema;
        // JSON Schema 2020-12 lets a description stand beside a reference.
        schema.Description = comment;
        return schema;
    }

    private static OpenApiSchema Scalar(FieldType type) => type switch
    {
        FieldType.Double => new() { Type = JsonSchemaType.Number, Format = "double" },
        FieldType.Float => new() { Type = JsonSchemaType.Number, Format = "float" },
        // Beyond 2^53 a JSON number is not exact: proto JSON writes text (and reads both).
        FieldType.Int64 or FieldType.Sint64 or FieldType.Sfixed64 => new() { Type = JsonSchemaType.String, Format = "int64" },
        FieldType.Uint64 or FieldType.Fixed64 => new() { Type = JsonSchemaType.String, Format = "uint64" },
        FieldType.Int32 or FieldType.Sint32 or FieldType.Sfixed32 => new() { Type = JsonSchemaType.Integer, Format = "int32" },
        FieldType.Uint32 or FieldType.Fixed32 => new() { Type = JsonSchemaType.Integer, Format = "uint32", Minimum = "0" },
        FieldType.Bool => new() { Type = JsonSchemaType.Boolean },
        FieldType.Bytes => new() { Type = JsonSchemaType.String, Format = "byte" },
        _ => new() { Type = JsonSchemaType.String },
    };

    private OpenApiSchema Enum(string fullName)
    {
        var type = protos.Enum(fullName);
        var values = type.Value.Where(value => protos.Comment(value).Length > 0).Select(value => $"{value.Name}: {protos.Comment(value)}");
        var comment = string.Join(' ', new[] { protos.Comment(type) }.Concat(values).Where(text => text.Length > 0));
        return new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            Description = comment.Length > 0 ? comment : null,
            Enum = [.. type.Value.Select(value => (JsonNode)JsonValue.Create(value.Name))],
        };
    }

    /// <summary><c>.beacon.raids.v1.StreamSummary</c> is <c>raids.v1.StreamSummary</c>.</summary>
    private static string ComponentName(string fullName) =>
        fullName.StartsWith(".beacon.", StringComparison.Ordinal) ? fullName[".beacon.".Length..] : fullName[1..];
}
