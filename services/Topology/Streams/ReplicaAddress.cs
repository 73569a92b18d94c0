using System.Net;
using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>
/// Where Signaling reaches the gRPC of this replica, and of no other: see <see cref="TopologyOptions.GrpcAddress"/>.
/// </summary>
internal sealed class ReplicaAddress(ILocalSiloDetails silo, IOptions<EndpointsOptions> endpoints, IOptions<TopologyOptions> options)
{
    /// <summary><c>http://host:port</c>; empty for an only replica, which needs none.</summary>
    public string Grpc { get; } = options.Value.Clustering == TopologyClustering.Localhost || options.Value.GrpcAddress.Length > 0
        ? options.Value.GrpcAddress
        : $"http://{new IPEndPoint(Host(endpoints.Value.Address, silo.SiloAddress.Endpoint.Address), endpoints.Value.GrpcPort)}";

    private static IPAddress Host(string bound, IPAddress known) =>
        IPAddress.TryParse(bound, out var one) && !one.Equals(IPAddress.Any) && !one.Equals(IPAddress.IPv6Any) ? one : known;
}
