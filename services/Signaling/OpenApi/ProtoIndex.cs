using Google.Protobuf.Reflection;

namespace Beacon.Signaling.OpenApi;

/// <summary>The elements of a descriptor set by their full names (<c>.package.Name</c>), and the comments in front of them.</summary>
internal sealed class ProtoIndex
{
    private readonly Dictionary<string, DescriptorProto> _messages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EnumDescriptorProto> _enums = new(StringComparer.Ordinal);
    private readonly Dictionary<object, string> _comments = new(ReferenceEqualityComparer.Instance);

    public ProtoIndex(FileDescriptorSet set)
    {
        foreach (var file in set.File)
        {
            var comments = (file.SourceCodeInfo?.Location ?? [])
                .Where(location => location.LeadingComments.Length > 0)
                .GroupBy(location => string.Join(',', location.Path), location => location.LeadingComments, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => Flow(group.First()), StringComparer.Ordinal);
            for (var index = 0; index < file.MessageType.Count; index++)
                AddMessage($".{file.Package}", file.MessageType[index], $"{FileDescriptorProto.MessageTypeFieldNumber},{index}", comments);
            for (var index = 0; index < file.EnumType.Count; index++)
                AddEnum($".{file.Package}", file.EnumType[index], $"{FileDescriptorProto.EnumTypeFieldNumber},{index}", comments);
            for (var index = 0; index < file.Service.Count; index++)
            {
                var (service, path) = (file.Service[index], $"{FileDescriptorProto.ServiceFieldNumber},{index}");
                Note(service, path, comments);
                for (var method = 0; method < service.Method.Count; method++)
                    Note(service.Method[method], $"{path},{ServiceDescriptorProto.MethodFieldNumber},{method}", comments);
                Services.Add((file, service));
            }
        }
    }

    public List<(FileDescriptorProto File, ServiceDescriptorProto Service)> Services { get; } = [];

    public bool IsMessage(string fullName) => _messages.ContainsKey(fullName);

    public DescriptorProto Message(string fullName) => _messages[fullName];

    public EnumDescriptorProto Enum(string fullName) => _enums[fullName];

    /// <summary>The comment of a service, method, message, field, enum or value on one line; empty when there is none.</summary>
    public string Comment(object element) => _comments.GetValueOrDefault(element, "");

    private void AddMessage(string scope, DescriptorProto message, string path, Dictionary<string, string> comments)
    {
        var name = $"{scope}.{message.Name}";
        _messages[name] = message;
        Note(message, path, comments);
        for (var index = 0; index < message.Field.Count; index++)
            Note(message.Field[index], $"{path},{DescriptorProto.FieldFieldNumber},{index}", comments);
        for (var index = 0; index < message.NestedType.Count; index++)
            AddMessage(name, message.NestedType[index], $"{path},{DescriptorProto.NestedTypeFieldNumber},{index}", comments);
        for (var index = 0; index < message.EnumType.Count; index++)
            AddEnum(name, message.EnumType[index], $"{path},{DescriptorProto.EnumTypeFieldNumber},{index}", comments);
    }

    private void AddEnum(string scope, EnumDescriptorProto type, string path, Dictionary<string, string> comments)
    {
        _enums[$"{scope}.{type.Name}"] = type;
        Note(type, path, comments);
        for (var index = 0; index < type.Value.Count; index++)
            Note(type.Value[index], $"{path},{EnumDescriptorProto.ValueFieldNumber},{index}", comments);
    }

    private void Note(object element, string path, Dictionary<string, string> comments)
    {
        if (comments.TryGetValue(path, out var comment))
            _comments[element] = comment;
    }

    private static string Flow(string comment) =>
        string.Join(' ', comment.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
