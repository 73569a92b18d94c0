namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    private const int MostDoublings = 3;

    private readonly List<Peer> _degraded = [];

    public int DegradedCount => _degraded.Count;

    /// <summary>
    /// The verdict of a parent's children over one window. After enough bad ones in a row its children are moved to healthier
    /// peers, make-before-break, and for a back-off time it is everybody's last choice: none of them is sent back to it.
    /// </summary>
    public void Judged(string id, bool bad, long nowMs)
    {
        var peer = _peers[id];
        if (peer.IsRoot)
            return;
        if (!bad)
        {
            peer.BadWindows = 0;
            return;
        }

        if (!peer.IsDegraded && ++peer.BadWindows >= _rules.DegradedWindows)
            Degrade(peer, nowMs);
    }

    /// <summary>A parent broke the rules, as enough of its children say: it is drained like one that fails them.</summary>
    public void Condemned(string id, long nowMs)
    {
        if (_peers[id] is { IsRoot: false, IsDegraded: false } peer)
            Degrade(peer, nowMs);
    }

    private void Degrade(Peer peer, long nowMs)
    {
        peer.BadWindows = 0;
        peer.DegradedUntilMs = nowMs + (_rules.DegradedBackOffMs << Math.Min((int)peer.Strikes, MostDoublings));
        peer.Strikes = (byte)Math.Min(byte.MaxValue, peer.Strikes + 1);
        Reindex(peer);
        _degraded.Add(peer);
        MarkDirty(peer);
        RevokeReservations(peer, tell: true);
        Drain(peer, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>The child has left its parent, or its standby, because that one broke the rules: it gets another one, if there is one.</summary>
    public void Accused(string id, string parentId, long nowMs)
    {
        var child = _peers[id];
        if (child.Parent?.Id == parentId)
        {
            Unreachable(id, nowMs);
            return;
        }

        if (child.Standby is not { } standby || standby.Id != parentId)
            return;
        Evict(child, standby, nowMs + _rules.DegradedBackOffMs);
        ReleaseStandby(child, tell: true);
        Finish();
    }

    /// <summary>The child cannot reach its parent: it gets another one, if there is one.</summary>
    public void Unreachable(string id, long nowMs)
    {
        if (_peers[id] is { Parent: { } parent, IsAttached: true } child)
        {
            Unlink(child);
            Evict(child, parent, nowMs + _rules.DegradedBackOffMs);
            if (HealthyParent(child) is { } other)
            {
                Move(child, parent, other, nowMs);
            }
            else
            {
                // It may yet come about, and then it is better than nothing.
                TakeBack(child, parent);
                Link(child, parent);
            }

            AdmitWaiting(nowMs);
            Finish();
        }
    }

    /// <summary>Moves as many children as healthier peers can take. The rest stay: a bad parent is better than none.</summary>
    private void Drain(Peer parent, long nowMs)
    {
        if (parent.ChildCount == 0 || !parent.IsAttached)
            return;
        var children = parent.Children.ToList();
        // All at once, because who is below one of them is still fed by the parent that is to be relieved.
        foreach (var child in children)
            Unlink(child);
        foreach (var child in children)
        {
            var other = HealthyParent(child);
            if (other is not null)
                Evict(child, parent, parent.DegradedUntilMs);
            Move(child, parent, other, nowMs);
        }
    }

    private Peer? HealthyParent(Peer child) =>
        child.Standby is { IsDegraded: false } standby && LeadsToRoot(standby) ? standby : BestParent(child, healthyOnly: true);

    /// <summary>Gives an unlinked child its new parent, or its former one again when there is none.</summary>
    private void Move(Peer child, Peer former, Peer? best, long nowMs)
    {
        if (best is null)
        {
            Link(child, former);
            return;
        }

        if (ReferenceEquals(best, child.Standby))
            Unreserve(child, best);
        Adopt(child, best, Reasons.ParentDegraded, nowMs);
        Tell(former, ChangeKind.ChildRemoved, child, drainMs: _rules.DrainMs);
    }

    private void EndBackOffs(long nowMs)
    {
        EndEvictions(nowMs);
        for (var i = _degraded.Count - 1; i >= 0; i--)
        {
            var peer = _degraded[i];
            if (peer.DegradedUntilMs > nowMs)
                continue;
            _degraded.RemoveAt(i);
            peer.DegradedUntilMs = 0;
            // It starts over: what it proved once, it must prove again.
            SetSlots(peer, Math.Max(peer.ChildCount, Math.Min(peer.Slots, _rules.SlowStartSlots)));
        }
    }
}
