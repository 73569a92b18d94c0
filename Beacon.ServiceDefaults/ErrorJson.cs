using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;

namespace Beacon.ServiceDefaults;

/// <summary>The body of every failed REST call: <c>google.rpc.Status</c> as proto JSON, with an ErrorInfo in its details.</summary>
public static class ErrorJson
{
    /// <summary>What <c>Any</c> may hold in our JSON.</summary>
    public static TypeRegistry Types { get; } = TypeRegistry.FromMessages(ErrorInfo.Descriptor);

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(Types));

    public static string Format(Google.Rpc.Status status) => Formatter.Format(status);
}
