using Google.Api;
using Google.Protobuf.Reflection;

namespace Beacon.Contracts;

/// <summary>
/// The protos as data, with their comments and everything they import: what the generated classes no longer know. The
/// OpenAPI document and the lint read it.
/// </summary>
public static class DescriptorSet
{
    private const string Resource = "beacon.descriptors.binpb";

    /// <summary>A fresh copy, with <c>google.api.http</c> as a known option.</summary>
    public static FileDescriptorSet Load()
    {
        using var stream = typeof(DescriptorSet).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The resource {Resource} is missing from {typeof(DescriptorSet).Assembly.FullName}.");
        return Parse(stream);
    }

    /// <summary>Reads a set from anywhere, e.g. the committed baseline.</summary>
    public static FileDescriptorSet Parse(Stream stream) =>
        FileDescriptorSet.Parser.WithExtensionRegistry([AnnotationsExtensions.Http]).ParseFrom(stream);
}
