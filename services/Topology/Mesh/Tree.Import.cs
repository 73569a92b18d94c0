namespace Beacon.Topology.Mesh;

/// <summary>A viewer that is handed over from another tree.</summary>
/// <param name="ParentId">Its parent there; null, or somebody who does not come along, for the top of a subtree.</param>
/// <param name="Region">Null = unknown.</param>
/// <param name="RidesFree">It refuses to relay, in every stripe.</param>
internal sealed record Arrival(string Id, double UplinkMbps, double LatencyMs, string? ParentId, string? Region = null, bool RidesFree = false);

internal sealed partial class Tree
{
    /// <summary>An audience that comes in parts is one audience while no part is later than this; so long its newcomers settle, too.</summary>
    private const long OneAudienceMs = 60_000;

    /// <summary>Who was here before the present audience and was moved since it came: once is enough, so the rest of it and the background passes leave them alone.</summary>
    private readonly HashSet<string> _movedOnce = new(StringComparer.Ordinal);

    private long _importedAtMs = long.MinValue / 2;

    /// <summary>Who has a lower number was here before the present audience.</summary>
    private uint _audienceFrom;

    /// <summary>
    /// An audience comes over in one operation. All start slowly again, so the shape that it had does not fit as it is: the strong are placed
    /// first, which builds a low tree, and each goes to its former parent again when that is no deeper than the best other place. So
    /// neighbours keep together as far as it costs nobody a level. A weaker leaf that is here makes room and has its turn among those
    /// who come, so that it is moved once.
    /// </summary>
    public void Import(IReadOnlyList<Arrival> arrivals, long nowMs)
    {
        if (!IsSettling(nowMs))
            _audienceFrom = _nextOrder;
        ForgetWhoMoved(nowMs);
        _importedAtMs = nowMs;
        var leaves = new Queue<Peer>(_peers.Values.Where(peer => peer is { IsAttached: true, IsRoot: false, ChildCount: 0 } && !HasMoved(peer))
            .OrderBy(peer => peer.Depth).ThenBy(peer => peer.Rank).ThenByDescending(peer => peer.Order));
        var firstToCome = _nextOrder;
        var coming = new PriorityQueue<(Peer Peer, string? ParentId), (int Weakness, uint Order)>();
        foreach (var arrival in arrivals)
        {
            var peer = Arrive(arrival.Id, arrival.UplinkMbps, arrival.LatencyMs, arrival.Region, arrival.RidesFree);
            coming.Enqueue((peer, arrival.ParentId), (-peer.Rank, peer.Order));
        }

        var left = new List<Peer>();
        while (coming.TryDequeue(out var next, out _))
        {
            var (peer, parentId) = next;
            var reason = peer.Order < firstToCome ? Reasons.Preempted : Reasons.Joined;
            var best = BestParent(peer);
            if (WorthDisplacing(peer, best, leaves) is { } leaf)
            {
                var parent = leaf.Parent!;
                Unlink(leaf);
                Detach(leaf);
                Adopt(peer, parent, reason, nowMs);
                Tell(parent, ChangeKind.ChildRemoved, leaf, drainMs: _rules.DrainMs);
                coming.Enqueue((leaf, null), (-leaf.Rank, leaf.Order));
            }
            else if (best is not null)
            {
                Adopt(peer, Near(best, parentId), reason, nowMs);
            }
            else if (!TryTakeOver(peer, reason, nowMs))
            {
                left.Add(peer);
            }
        }

        // Among those who bring nothing it is first come first served, as ever.
        left.Sort(static (x, y) => x.Order.CompareTo(y.Order));
        foreach (var peer in left)
            Enqueue(peer, orphan: peer.Order < firstToCome, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    private void RememberWhoMoved(Peer peer, string reason, long nowMs)
    {
        if (peer.Order < _audienceFrom && IsSettling(nowMs) && reason is (Reasons.Preempted or Reasons.Lifted))
            _movedOnce.Add(peer.Id);
    }

    private void ForgetWhoMoved(long nowMs)
    {
        if (_movedOnce.Count > 0 && !IsSettling(nowMs))
            _movedOnce.Clear();
    }

    private bool IsSettling(long nowMs) => nowMs - _importedAtMs <= OneAudienceMs;

    private bool HasMoved(Peer peer) => _movedOnce.Count > 0 && _movedOnce.Contains(peer.Id);

    private bool HasMovedOrItsChildren(Peer peer) => _movedOnce.Count > 0 && (HasMoved(peer) || peer.Children.Any(HasMoved));

    /// <summary>A weaker leaf whose place gains enough.</summary>
    /// <param name="leaves">Those that were here before and were not moved yet, the shallowest and there the weakest first.</param>
    private Peer? WorthDisplacing(Peer peer, Peer? best, Queue<Peer> leaves)
    {
        if (best is null || peer.Room == 0)
            return null;
        // Who comes after this one is weaker still, so a leaf that is passed over is so for good.
        while (leaves.TryPeek(out var passed) && (passed.ChildCount > 0 || passed.Rank >= peer.Rank || passed.Parent!.IsDegraded || !MayFeed(passed.Parent, peer)))
            leaves.Dequeue();
        if (!leaves.TryPeek(out var leaf) || leaf.Depth > best.Depth || (leaf.Depth == best.Depth && peer.Rank - leaf.Rank < WorthAPreemption))
            return null;
        return leaves.Dequeue();
    }

    /// <summary>The former parent when it is here already, has room and is no deeper.</summary>
    private Peer Near(Peer best, string? parentId) =>
        parentId is not null && Find(parentId) is { IsAttached: true, IsDegraded: false, Room: > 0 } former && former.Depth <= best.Depth ? former : best;
}
