using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Beacon.ServiceDefaults;

/// <summary>What every process has, whichever services it hosts.</summary>
public static class ServiceDefaults
{
    public static void AddServiceDefaults(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddLoggingDefaults();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddEndpoints();
        builder.AddTelemetry();
        builder.AddBeaconAuthentication();
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = 4 * 1024 * 1024;
            grpc.Interceptors.Add<FaultInterceptor>();
            // Its endpoint for them takes every verb of every path of two segments, so that /api/wallet could not answer 405. A 404 is "unimplemented" to a gRPC client.
            grpc.IgnoreUnknownServices = true;
        }).AddJsonTranscoding(json =>
        {
            json.TypeRegistry = ErrorJson.Types;
            // As proto JSON says: a JavaScript number cannot hold every int64.
            json.JsonSettings.WriteInt64sAsStrings = true;
        });
        builder.Services.AddGrpcReflection();
        builder.Services.AddGrpcHealthChecks();
    }

    /// <summary>The middleware and endpoints of <see cref="AddServiceDefaults"/>; call before the services' own <c>MapX</c>.</summary>
    public static void MapServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseTrustedProxies();
        app.UseErrorShape();
        app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true });
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapTelemetry();
        app.MapGrpcHealthChecksService().AllowAnonymous();
        app.MapGrpcReflectionService().AllowAnonymous();
    }
}
