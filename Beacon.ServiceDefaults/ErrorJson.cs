using System.Globalization;
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

    /// <summary>Answers a call that fails before a method sees it, in the caller's protocol: gRPC has no HTTP status of its own.</summary>
    public static Task WriteAsync(HttpContext context, int httpStatus, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(fault);
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
            return WriteAsync(context.Response, httpStatus, fault);
        var status = fault.ToStatus();
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = context.Request.ContentType;
        context.Response.Headers["grpc-status"] = status.Code.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        context.Response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        return Task.CompletedTask;
    }

    /// <summary>Answers a REST call that fails before a method sees it.</summary>
    public static Task WriteAsync(HttpResponse response, int httpStatus, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(fault);
        response.StatusCode = httpStatus;
        response.ContentType = "application/json";
        return response.WriteAsync(Formatter.Format(fault.ToStatus()));
    }

    /// <summary>True for gRPC and gRPC-Web.</summary>
    public static bool IsGrpc(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
    }

    /// <summary>As <see cref="WriteAsync(HttpContext, int, Fault)"/>, in the caller's protocol: a middleware answers before the gRPC handler runs, so it writes the rich error itself.</summary>
    public static Task RefuseAsync(HttpContext context, int httpStatus, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(fault);
        if (!IsGrpc(context.Request))
            return WriteAsync(context.Response, httpStatus, fault);
        var status = fault.ToStatus();
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = context.Request.ContentType;
        context.Response.Headers["grpc-status"] = status.Code.ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        context.Response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        return Task.CompletedTask;
    }
}
