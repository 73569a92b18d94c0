using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Beacon.ServiceDefaults;

/// <summary>gRPC clients of the other services, found by service discovery (<c>services:NAME:grpc:0</c>), the same in every mode.</summary>
public static class GrpcClients
{
    private static readonly TimeSpan SilenceBeforePing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Adds a client of <paramref name="service"/>, one of <see cref="HostedServices.All"/>.</summary>
    public static void AddServiceClient<TClient>(this IHostApplicationBuilder builder, string service) where TClient : ClientBase
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddServiceDiscovery();
        builder.Services.TryAddSingleton<ServiceCalls>();
        builder.Services.AddGrpcClient<TClient>(client => client.Address = new Uri($"http://_grpc.{service}"))
            .ConfigurePrimaryHttpMessageHandler(Handler)
            .AddInterceptor<ServiceCalls>()
            .AddServiceDiscovery();
    }

    /// <summary>
    /// Calls to one replica of a service of <see cref="AddServiceClient{TClient}"/>, at its address. Who cannot reach it within a second asks any
    /// other one.
    /// </summary>
    public static CallInvoker CallsTo(IServiceProvider services, string address)
    {
        var handler = Handler();
        handler.ConnectTimeout = TimeSpan.FromSeconds(1);
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = handler, LoggerFactory = services.GetRequiredService<ILoggerFactory>() })
            .Intercept(services.GetRequiredService<ServiceCalls>());
    }

    private static SocketsHttpHandler Handler() => new()
    {
        EnableMultipleHttp2Connections = true,
        // A replica that hangs, or whose machine has lost its power, closes nothing: every call would go there until TCP gives up, a quarter
        // of an hour later. Without an answer to a ping the connection is closed, and the next one leads to another replica.
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        KeepAlivePingDelay = SilenceBeforePing,
        KeepAlivePingTimeout = PingTimeout,
    };

    /// <summary>Every call that leaves has a deadline, and the service token unless it carries a user's.</summary>
    private sealed class ServiceCalls(ServiceTokens tokens, TimeProvider clock) : Interceptor
    {
        private static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(5);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var options = context.Options;
            if (options.Deadline is null)
                options = options.WithDeadline(clock.GetUtcNow().UtcDateTime + DefaultDeadline);
            var headers = options.Headers ?? [];
            if (headers.GetValue("authorization") is null)
                headers.Add("authorization", $"Bearer {tokens.Current()}");
            return continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options.WithHeaders(headers)));
        }
    }
}
