namespace Beacon.Topology.Mesh;

/// <summary>A viewer that is handed over from another tree.</summary>
/// <param name="ParentId">Its parent there; null, or somebody who does not come along, for the top of a subtree.</param>
/// <param name="Region">Null = unknown.</param>
internal sealed record Arrival(string Id, double UplinkMbps, double LatencyMs, string? ParentId, string? Region = null);

internal sealed partial class Tree
{
    /// <summary>
    /// An audience comes over in one operation. All start slowly again, so the shape that it had does not fit as it is: the strong are placed
    /// first, which builds a low tree and moves a leaf that is here once at most, and each goes to its former parent again when that is no
    /// deeper than the best other place. So neighbours keep together as far as it costs nobody a level.
    /// </summary>
    public void Import(IReadOnlyList<Arrival> arrivals, long nowMs)
    {
        var coming = new List<(Peer Peer, string? ParentId)>(arrivals.Count);
        foreach (var arrival in arrivals)
            coming.Add((Arrive(arrival.Id, arrival.UplinkMbps, arrival.LatencyMs, arrival.Region), arrival.ParentId));
        coming.Sort(static (x, y) => x.Peer.Rank != y.Peer.Rank ? y.Peer.Rank.CompareTo(x.Peer.Rank) : x.Peer.Order.CompareTo(y.Peer.Order));
        var left = new List<Peer>();
        foreach (var (peer, parentId) in coming)
        {
            var best = BestParent(peer);
            if (WorthDisplacing(peer, best, nowMs) is { } leaf)
                Displace(peer, leaf, Reasons.Joined, nowMs);
            else if (best is not null)
                Adopt(peer, Near(best, parentId), Reasons.Joined, nowMs);
            else if (!TryTakeOver(peer, Reasons.Joined, nowMs))
                left.Add(peer);
        }

        // Among those who bring nothing it is first come first served, as ever.
        left.Sort(static (x, y) => x.Order.CompareTo(y.Order));
        foreach (var peer in left)
            Enqueue(peer, orphan: false, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>A weaker leaf whose place gains enough; who was moved by this operation already is left alone.</summary>
    private Peer? WorthDisplacing(Peer peer, Peer? best, long nowMs)
    {
        if (best is null || peer.Room == 0 || WeakestLeaf(best.Depth + 1, peer.Rank) is not { } leaf || leaf.AssignedAtMs == nowMs)
            return null;
        return leaf.Depth < best.Depth || peer.Rank - leaf.Rank >= WorthAPreemption ? leaf : null;
    }

    /// <summary>The former parent when it is here already, has room and is no deeper.</summary>
    private Peer Near(Peer best, string? parentId) =>
        parentId is not null && Find(parentId) is { IsAttached: true, IsDegraded: false, Room: > 0 } former && former.Depth <= best.Depth ? former : best;
}
