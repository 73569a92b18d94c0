using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Server;

/// <summary>Says where to look, once everything listens.</summary>
internal static partial class Announcement
{
    public static void AnnounceWhenReady(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        var endpoints = app.Services.GetRequiredService<IOptions<EndpointsOptions>>().Value;
        var host = endpoints.Address == "*" ? "localhost" : endpoints.Address;
        Ready(app.Logger, $"http://{host}:{endpoints.HttpPort}", $"http://{host}:{endpoints.HttpPort}/scalar", $"{host}:{endpoints.GrpcPort}");
    });

    [LoggerMessage(9101, LogLevel.Information, "Beacon is live: pages {Pages}, API {Api}, gRPC {Grpc}")]
    private static partial void Ready(ILogger logger, string pages, string api, string grpc);
}
