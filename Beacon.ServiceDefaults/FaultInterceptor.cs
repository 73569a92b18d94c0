using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Beacon.ServiceDefaults;

/// <summary>
/// A call that fails because a service behind this one cannot be reached says so with a reason, instead of passing on a
/// transport error that the caller could take for its own.
/// </summary>
internal sealed class FaultInterceptor(ILogger<FaultInterceptor> log) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (IsUnreachable(exception))
        {
            Log.ServiceBehindUnavailable(log, context.Method, exception);
            throw CommonErrors.ServiceUnavailable.Exception();
        }
    }

    /// <summary>Without a reason of its own: that one is the answer of a service that was reached.</summary>
    private static bool IsUnreachable(Exception exception) => exception switch
    {
        RpcException rpc => rpc.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded && Fault.ReasonOf(rpc) is null,
        RedisException or RedisTimeoutException => true,
        _ => false,
    };
}
