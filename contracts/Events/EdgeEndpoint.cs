namespace Beacon.Contracts.Events;

/// <summary>The bus endpoint of one Signaling replica: what Topology sends to a single edge goes there.</summary>
public static class EdgeEndpoint
{
    /// <summary>The name of the endpoint of the edge.</summary>
    public static string Name(string edgeId) => $"signaling-edge-{edgeId}";

    /// <summary>
    /// Where to send to: the exchange, because a sender that names the queue makes one, and what is sent to an edge that is gone would wait
    /// there for nobody.
    /// </summary>
    public static Uri Address(string edgeId) => new($"exchange:{Name(edgeId)}");
}
