namespace Beacon.Topology.Mesh;

/// <summary>A viewer that is handed over from another tree.</summary>
/// <param name="ParentId">Its parent there; null, or somebody who does not come along, for the top of a subtree.</param>
/// <param name="Region">Null = unknown.</param>
internal sealed record Arrival(string Id, double UplinkMbps, double LatencyMs, string? ParentId, string? Region = null);

internal sealed partial class Tree
{
    /// <summary>An audience that comes in parts is one audience while no part is later than this; so long its newcomers settle, too.</summary>
    private const long OneAudienceMs = 60_000;

    /// <summary>Leaves of one level that are asked to make way.</summary>
    private const int MostAsked = 64;

    /// <summary>Who has made way for the present audience, and is left alone by the rest of it, and by those who rise in it.</summary>
    private readonly HashSet<string> _madeWay = new(StringComparer.Ordinal);

    private long _importedAtMs = long.MinValue / 2;

    /// <summary>
    /// An audience comes over in one operation. All start slowly again, so the shape that it had does not fit as it is: the strong are placed
    /// first, which builds a low tree and moves a leaf that is here once at most, and each goes to its former parent again when that is no
    /// deeper than the best other place. So neighbours keep together as far as it costs nobody a level.
    /// </summary>
    public void Import(IReadOnlyList<Arrival> arrivals, long nowMs)
    {
        ForgetWhoMadeWay(nowMs);
        _importedAtMs = nowMs;
        var coming = new List<(Peer Peer, string? ParentId)>(arrivals.Count);
        foreach (var arrival in arrivals)
            coming.Add((Arrive(arrival.Id, arrival.UplinkMbps, arrival.LatencyMs, arrival.Region), arrival.ParentId));
        coming.Sort(static (x, y) => x.Peer.Rank != y.Peer.Rank ? y.Peer.Rank.CompareTo(x.Peer.Rank) : x.Peer.Order.CompareTo(y.Peer.Order));
        var left = new List<Peer>();
        foreach (var (peer, parentId) in coming)
        {
            var best = BestParent(peer);
            if (WorthDisplacing(peer, best, nowMs) is { } leaf)
            {
                _madeWay.Add(leaf.Id);
                Displace(peer, leaf, Reasons.Joined, nowMs);
            }
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

    private void ForgetWhoMadeWay(long nowMs)
    {
        if (_madeWay.Count > 0 && nowMs - _importedAtMs > OneAudienceMs)
            _madeWay.Clear();
    }

    private bool HasMadeWay(Peer peer) => _madeWay.Count > 0 && _madeWay.Contains(peer.Id);

    /// <summary>A weaker leaf whose place gains enough; nobody makes way twice, nor who came by this operation.</summary>
    private Peer? WorthDisplacing(Peer peer, Peer? best, long nowMs)
    {
        if (best is null || peer.Room == 0)
            return null;
        var ranks = PlaceIndex.Below(peer.Rank);
        for (var depth = 1; depth < Math.Min(best.Depth + 1, _leaves.Depths); depth++)
        {
            var weaker = _leaves.RanksAt(depth) & ranks;
            if (weaker == 0)
                continue;
            var heap = _leaves.At(depth, PlaceIndex.Lowest(weaker));
            for (var at = heap.Count - 1; at >= Math.Max(0, heap.Count - MostAsked); at--)
            {
                var leaf = heap[at];
                if (leaf.AssignedAtMs == nowMs || HasMadeWay(leaf) || leaf.Parent!.IsDegraded || !LeadsToRoot(leaf))
                    continue;
                if (leaf.Depth < best.Depth || peer.Rank - leaf.Rank >= WorthAPreemption)
                    return leaf;
            }
        }

        return null;
    }

    /// <summary>The former parent when it is here already, has room and is no deeper.</summary>
    private Peer Near(Peer best, string? parentId) =>
        parentId is not null && Find(parentId) is { IsAttached: true, IsDegraded: false, Room: > 0 } former && former.Depth <= best.Depth ? former : best;
}
