namespace Beacon.Contracts.Events;

/// <summary>The bus endpoint of one Signaling replica: what Topology sends to a single edge goes there.</summary>
public static class EdgeEndpoint
{
    /// <summary>The name of the endpoint of the edge.</summary>
    public static string Name(string edgeId) => $"signaling-edge-{edgeId}";

    /// <summary>Where to send to.</summary>
    public static Uri Address(string edgeId) => new($"queue:{Name(edgeId)}");
}
