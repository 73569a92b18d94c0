using System.Globalization;
using Beacon.ServiceDefaults;

namespace Beacon.Server;

/// <summary>The four services find each other in their own process, by the same clients and names as in a cluster.</summary>
internal static class LoopbackDiscovery
{
    public static void AddLoopbackDiscovery(this WebApplicationBuilder builder)
    {
        var endpoints = builder.Configuration.GetSection(EndpointsOptions.Section).Get<EndpointsOptions>() ?? new EndpointsOptions();
        var host = endpoints.Address is "*" or "0.0.0.0" ? "127.0.0.1" : endpoints.Address;
        var grpc = string.Create(CultureInfo.InvariantCulture, $"http://{host}:{endpoints.GrpcPort}");
        builder.AddSettingDefaults(HostedServices.All.ToDictionary(service => $"services:{service}:grpc:0", string? (_) => grpc, StringComparer.Ordinal));
    }
}
