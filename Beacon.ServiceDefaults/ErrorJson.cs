using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Http;
using ErrorInfo = Google.Rpc.ErrorInfo;

namespace Beacon.ServiceDefaults;

/// <summary>The body of every failed REST call: <c>google.rpc.Status</c> as proto JSON, with an ErrorInfo in its details.</summary>
public static class ErrorJson
{
    /// <summary>What <c>Any</c> may hold in our JSON.</summary>
    public static TypeRegistry Types { get; } = TypeRegistry.FromMessages(ErrorInfo.Descriptor);

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(Types));

    /// <summary>Answers a request that fails before a gRPC method sees it.</summary>
    public static Task WriteAsync(HttpResponse response, int httpStatus, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(fault);
        response.StatusCode = httpStatus;
        response.ContentType = "application/json";
        return response.WriteAsync(Formatter.Format(fault.ToStatus()));
    }
}
