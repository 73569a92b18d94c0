namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);

    /// <summary>Peers whose record is new; a mark on the peer keeps it from being here twice.</summary>
    private readonly List<Peer> _dirty = [];

    private readonly List<Change> _changes = [];

    public bool HasDelta => _changes.Count > 0 || _dirty.Count > 0 || _removed.Count > 0;

    /// <summary>All changes since the last call, and the peers whose records are to be written.</summary>
    public TreeDelta TakeDelta()
    {
        var delta = new TreeDelta();
        TakeDelta(delta);
        return delta;
    }

    /// <summary>Adds to <paramref name="delta"/> what <see cref="TakeDelta()"/> returns.</summary>
    public void TakeDelta(TreeDelta delta)
    {
        foreach (var peer in _dirty)
        {
            peer.IsDirty = false;
            if (!peer.IsGone)
                delta.Changed.Add(peer);
        }

        delta.Changes.AddRange(_changes);
        delta.Removed.AddRange(_removed);
        _changes.Clear();
        _dirty.Clear();
        _removed.Clear();
    }

    private void MarkDirty(Peer peer)
    {
        if (peer.IsDirty)
            return;
        peer.IsDirty = true;
        _dirty.Add(peer);
    }

    /// <summary>
    /// Numbers what a peer is told. Its record need not follow: the next owner begins above all numbers of this one, and so a parent is not
    /// written anew for every child that comes.
    /// </summary>
    private void Tell(Peer peer, ChangeKind kind, Peer? other, bool standby = false, int drainMs = 0)
    {
        var isParent = kind == ChangeKind.ParentAssigned;
        _changes.Add(new Change(kind, peer, ++peer.Version, other, isParent ? peer.Depth : 0, isParent ? peer.Reason : "", standby, drainMs, Stripe: Stripe));
    }

    private void TellMovedFrom(Peer former, Peer peer)
    {
        if (!ReferenceEquals(former, peer.Parent))
            Tell(former, ChangeKind.ChildRemoved, peer, drainMs: _rules.DrainMs);
    }

    private void ResendParent(Peer peer, Peer parent, string reason)
    {
        peer.Reason = reason;
        MarkDirty(peer);
        Tell(parent, ChangeKind.ChildAssigned, peer);
        Tell(peer, ChangeKind.ParentAssigned, parent);
    }

    private void TellWaiting(Peer peer, long nowMs) => TellWaiting(peer, _waiting.PositionOf(peer), nowMs);

    private void TellWaiting(Peer peer, int position, long nowMs)
    {
        peer.WaitingPosition = position;
        _changes.Add(new Change(ChangeKind.Waiting, peer, ++peer.Version, Position: position, EstimateMs: _waiting.EstimateMs(position, nowMs), Stripe: Stripe));
    }
}
