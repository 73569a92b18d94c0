using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Streams;

namespace Beacon.Simulation.Tests;

/// <summary>A peer with its seat at an edge: it believes what it is told, by the numbers of the directives.</summary>
internal sealed class SimulatedPeer(string id, string edgeId, double uplinkMbps)
{
    private long _newest;

    public string Id => id;

    public string EdgeId => edgeId;

    public string AccountId => $"account-{id}";

    public double UplinkMbps => uplinkMbps;

    public Member Member => new(id, AccountId, edgeId, "");

    public string? ParentId { get; private set; }

    public string? StandbyId { get; private set; }

    public bool HasLeft { get; set; }

    public bool IsJoining { get; set; }

    /// <summary>When its join was last answered as recorded.</summary>
    public long AcknowledgedAtMs { get; set; } = long.MaxValue;

    /// <summary>When an owner last took a report of it.</summary>
    public long KnownAtMs { get; set; } = long.MinValue;

    public (long Window, byte[] Hmac)? Answer { get; set; }

    public Dictionary<string, long> Sent { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, long> Received { get; } = new(StringComparer.Ordinal);

    /// <summary>As an edge does it: what is not newer than the newest was overtaken.</summary>
    public void Apply(PeerDirective directive)
    {
        if (directive.Version <= _newest)
            return;
        _newest = directive.Version;
        if (directive.Kind == DirectiveKind.ParentAssigned)
        {
            ParentId = directive.Neighbour!.PeerId;
        }
        else if (directive.Kind == DirectiveKind.StandbyAssigned)
        {
            StandbyId = directive.Neighbour?.PeerId;
        }
        else if (directive.Kind == DirectiveKind.Waiting)
        {
            ParentId = null;
        }
    }

    public MetricsOfPeer Report(bool isFed)
    {
        var report = new MetricsOfPeer(
            id,
            LatencyMs: 20,
            [.. isFed ? Received.Where(parent => parent.Key == ParentId).Select(parent => new CountedBytes(parent.Key, 0, parent.Value)) : []],
            [.. Sent.Select(child => new CountedBytes(child.Key, 0, child.Value))],
            Answer?.Window ?? 0,
            Answer?.Hmac,
            UplinkMbps: 0,
            Faults: [],
            Told: [new ToldOfStripe(0, ParentId ?? "", StandbyId ?? "")]);
        Answer = null;
        return report;
    }
}
