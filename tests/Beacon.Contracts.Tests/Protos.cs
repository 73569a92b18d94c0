using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>Beacon's own protos, with comments, as the assembly carries them.</summary>
internal static class Protos
{
    public static IReadOnlyList<FileDescriptorProto> Ours() => [.. DescriptorSet.Load().File.Where(file => file.Package.StartsWith("beacon.", StringComparison.Ordinal))];

    public static IEnumerable<(FileDescriptorProto File, ServiceDescriptorProto Service, MethodDescriptorProto Method)> Methods() =>
        from file in Ours()
        from service in file.Service
        from method in service.Method
        select (file, service, method);

    /// <summary>Every message with its name inside the package, nested ones included.</summary>
    public static IEnumerable<(string Name, DescriptorProto Message)> Messages(FileDescriptorProto file) =>
        file.MessageType.SelectMany(message => Nested("", message));

    /// <summary>The comment in front of the element at <paramref name="path"/>, trimmed; empty when there is none.</summary>
    public static string Comment(FileDescriptorProto file, params int[] path) =>
        file.SourceCodeInfo.Location.FirstOrDefault(location => location.Path.SequenceEqual(path))?.LeadingComments.Trim() ?? "";

    private static IEnumerable<(string Name, DescriptorProto Message)> Nested(string prefix, DescriptorProto message)
    {
        yield return (prefix + message.Name, message);
        foreach (var inner in message.NestedType.SelectMany(nested => Nested($"{prefix}{message.Name}.", nested)))
            yield return inner;
    }
}
