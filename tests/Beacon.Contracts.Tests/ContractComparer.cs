using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>
/// Says what a client that was built against <c>before</c> would lose with <c>after</c>: on the wire, in JSON and in REST. What is
/// new breaks nobody.
/// </summary>
internal static class ContractComparer
{
    public static IReadOnlyList<string> Breaks(FileDescriptorSet before, FileDescriptorSet after)
    {
        var (was, now) = (new Catalogue(before), new Catalogue(after));
        List<string> breaks = [];
        foreach (var (name, message) in was.Messages)
        {
            if (now.Messages.TryGetValue(name, out var other))
                CompareFields(name, message, other, breaks);
            else
                breaks.Add($"message {name} was removed");
        }

        foreach (var (name, type) in was.Enums)
        {
            if (now.Enums.TryGetValue(name, out var other))
                CompareValues(name, type, other, breaks);
            else
                breaks.Add($"enum {name} was removed");
        }

        foreach (var (name, method) in was.Methods)
        {
            if (now.Methods.TryGetValue(name, out var other))
                CompareMethods(name, method, other, breaks);
            else
                breaks.Add($"rpc {name} was removed");
        }

        return breaks;
    }

    private static void CompareFields(string message, DescriptorProto before, DescriptorProto after, List<string> breaks)
    {
        foreach (var field in before.Field)
        {
            var name = $"{message}.{field.Name}";
            var same = after.Field.FirstOrDefault(other => other.Name == field.Name);
            var sameNumber = after.Field.FirstOrDefault(other => other.Number == field.Number);
            if (same is null)
            {
                breaks.Add(sameNumber is null ? $"field {name} was removed" : $"field {name} was renamed to {sameNumber.Name}");
                continue;
            }

            if (same.Number != field.Number)
                breaks.Add($"field {name} was renumbered from {field.Number} to {same.Number}");
            if (Shape(before, field) != Shape(after, same))
                breaks.Add($"field {name} changed from {Shape(before, field)} to {Shape(after, same)}");
            if (same.JsonName != field.JsonName)
                breaks.Add($"field {name} changed its JSON name from {field.JsonName} to {same.JsonName}");
        }
    }

    private static void CompareValues(string type, EnumDescriptorProto before, EnumDescriptorProto after, List<string> breaks)
    {
        foreach (var value in before.Value)
        {
            var same = after.Value.FirstOrDefault(other => other.Name == value.Name);
            var sameNumber = after.Value.FirstOrDefault(other => other.Number == value.Number);
            if (same is null)
                breaks.Add(sameNumber is null ? $"enum value {type}.{value.Name} was removed" : $"enum value {type}.{value.Name} was renamed to {sameNumber.Name}");
            else if (same.Number != value.Number)
                breaks.Add($"enum value {type}.{value.Name} was renumbered from {value.Number} to {same.Number}");
        }
    }

    private static void CompareMethods(string name, MethodDescriptorProto before, MethodDescriptorProto after, List<string> breaks)
    {
        if (Signature(before) != Signature(after))
            breaks.Add($"rpc {name} changed from {Signature(before)} to {Signature(after)}");
        // A new rule is an addition; a changed or removed one is not.
        if (HttpRules.Of(before) is { } rule && HttpRules.Of(after) != rule)
            breaks.Add($"rpc {name} changed its HTTP rule from {rule} to {HttpRules.Of(after)?.ToString() ?? "none"}");
    }

    private static string Signature(MethodDescriptorProto method) =>
        $"({(method.ClientStreaming ? "stream " : "")}{method.InputType}) returns ({(method.ServerStreaming ? "stream " : "")}{method.OutputType})";

    private static string Shape(DescriptorProto message, FieldDescriptorProto field)
    {
        // proto3's explicit `optional` is a oneof of its own that means nothing on the wire.
        var oneof = field.HasOneofIndex && !field.Proto3Optional ? $" in oneof {message.OneofDecl[field.OneofIndex].Name}" : "";
        return $"{field.Label} {field.Type} {field.TypeName}".TrimEnd() + oneof;
    }

    private sealed class Catalogue
    {
        public Catalogue(FileDescriptorSet set)
        {
            foreach (var file in set.File.Where(file => file.Package.StartsWith("beacon.", StringComparison.Ordinal)))
            {
                foreach (var (name, message) in Protos.Messages(file))
                {
                    Messages[$"{file.Package}.{name}"] = message;
                    foreach (var type in message.EnumType)
                        Enums[$"{file.Package}.{name}.{type.Name}"] = type;
                }

                foreach (var type in file.EnumType)
                    Enums[$"{file.Package}.{type.Name}"] = type;
                foreach (var service in file.Service)
                {
                    foreach (var method in service.Method)
                        Methods[$"{file.Package}.{service.Name}.{method.Name}"] = method;
                }
            }
        }

        public Dictionary<string, DescriptorProto> Messages { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, EnumDescriptorProto> Enums { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, MethodDescriptorProto> Methods { get; } = new(StringComparer.Ordinal);
    }
}
