namespace Beacon.Contracts.Events;

/// <summary>The bus endpoints of one Signaling replica.</summary>
public static class EdgeEndpoint
{
    /// <summary>The name of the endpoint where the edge hears what concerns its peers and accounts: much, and in an order that does not matter.</summary>
    public static string Name(string edgeId) => $"signaling-edge-{edgeId}";

    /// <summary>The name of the endpoint where it hears of raids and ends, one after the other.</summary>
    public static string RaidsName(string edgeId) => $"{Name(edgeId)}-raids";

    /// <summary>
    /// Where to send to: the exchange, because a sender that names the queue makes one, and what is sent to an edge that is gone would wait
    /// there for nobody.
    /// </summary>
    public static Uri Address(string edgeId) => new($"exchange:{Name(edgeId)}");
}
