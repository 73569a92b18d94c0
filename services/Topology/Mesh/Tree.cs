using System.Diagnostics;

namespace Beacon.Topology.Mesh;

/// <summary>
/// The tree of one stripe of one stream: who feeds whom. Deterministic: time is an argument, equal histories give equal trees.
/// Operations collect what they changed; <see cref="TakeDelta"/> hands it over. Not thread-safe: the stream's one owner calls it.
/// </summary>
internal sealed partial class Tree
{
    private readonly TreeRules _rules;
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private readonly WaitingList _waiting = new();
    private readonly HashSet<Peer> _dirty = [];
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly DecisionLog _decisions;
    private List<Change> _changes = [];

    public Tree(int stripe, TreeRules rules)
    {
        Stripe = stripe;
        _rules = rules;
        _decisions = new DecisionLog(rules.ExplainedDecisions);
    }

    public int Stripe { get; }

    /// <summary>Grows with every operation that changed something.</summary>
    public long Version { get; private set; }

    public Peer? Root { get; private set; }

    /// <summary>All peers, the root included.</summary>
    public int Count => _peers.Count;

    public int WaitingCount => _waiting.Count;

    public IEnumerable<Peer> Waiting => _waiting.Peers;

    public IReadOnlyCollection<Peer> Peers => _peers.Values;

    /// <summary>True when nobody else may join.</summary>
    public bool IsFull => _peers.Count >= _rules.MaxPeers || _waiting.Count >= _rules.MaxWaiting;

    public Peer? Find(string id) => _peers.GetValueOrDefault(id);

    public Decision? Explain(string id) => _decisions.Find(id);

    /// <summary>The broadcaster's peer. There is one, for the life of the tree.</summary>
    public void SetRoot(string id, double uplinkMbps, int maxChildren)
    {
        Debug.Assert(Root is null, "a tree has one root");
        var root = new Peer(id, isRoot: true) { UplinkMbps = uplinkMbps, Slots = _rules.RootSlots(uplinkMbps, maxChildren), Depth = 0 };
        Root = root;
        Register(root);
        Index(root);
        CountDepth(root, 1);
        _dirty.Add(root);
    }

    /// <summary>A viewer comes: it gets a parent, or a number in the waiting list.</summary>
    public void Join(string id, double uplinkMbps, double latencyMs, long nowMs)
    {
        Debug.Assert(Root is not null && !_peers.ContainsKey(id), "the root is first, and a peer joins once");
        var peer = new Peer(id, isRoot: false)
        {
            UplinkMbps = uplinkMbps,
            LatencyMs = latencyMs,
            Slots = Math.Min(_rules.ClaimedSlots(uplinkMbps), _rules.SlowStartSlots),
        };
        Register(peer);
        _dirty.Add(peer);
        if (!TryPlace(peer, Reasons.Joined, nowMs))
            Enqueue(peer, orphan: false, nowMs);
        else
            AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>A peer is gone: each of its children goes on to its standby or to the best place, with all that is below it.</summary>
    public void Leave(string id, long nowMs)
    {
        var peer = _peers[id];
        Debug.Assert(!peer.IsRoot, "without its root a tree is over");
        if (peer.IsWaiting)
            _waiting.Remove(peer);
        RevokeReservations(peer, tell: false);
        ReleaseStandby(peer, tell: true);
        var orphans = peer.Children.ToList();
        foreach (var orphan in orphans)
            Unlink(orphan);
        if (peer.Parent is { } parent)
        {
            Unlink(peer);
            Tell(parent, ChangeKind.ChildRemoved, peer);
        }

        _peers.Remove(id);
        CountSlots(peer, -1);
        _dirty.Remove(peer);
        _removed.Add(id);
        _standbyBefore.Remove(peer);
        _decisions.Remove(id);
        _degraded.Remove(peer);

        PlaceAll(orphans, Reasons.ParentLeft, nowMs);
        Finish();
    }

    /// <summary>Tells a peer and its neighbours their places anew: after it came back, or when a directive seems to be lost.</summary>
    public void Resend(string id, string reason, long nowMs)
    {
        var peer = _peers[id];
        if (peer.IsWaiting)
        {
            TellWaiting(peer, nowMs);
            Finish();
            return;
        }

        foreach (var child in peer.Children)
        {
            Tell(peer, ChangeKind.ChildAssigned, child);
            child.Reason = reason;
            Tell(child, ChangeKind.ParentAssigned, peer);
        }

        foreach (var reserved in peer.Reserved)
        {
            Tell(peer, ChangeKind.ChildAssigned, reserved, standby: true);
            Tell(reserved, ChangeKind.StandbyAssigned, peer);
        }

        if (peer.Parent is { } parent)
            ResendParent(peer, parent, reason);
        if (peer.Standby is { } standby)
        {
            Tell(standby, ChangeKind.ChildAssigned, peer, standby: true);
            Tell(peer, ChangeKind.StandbyAssigned, standby);
        }

        Finish();
    }

    /// <summary>Tells one edge of the tree anew to both ends.</summary>
    public void ResendParent(string id, long nowMs)
    {
        if (_peers[id] is { Parent: { } parent } peer)
        {
            ResendParent(peer, parent, peer.Reason);
            peer.AssignedAtMs = nowMs;
        }

        Finish();
    }

    /// <summary>A fresh measurement of the way to a peer.</summary>
    public void Measured(string id, double latencyMs)
    {
        const double WorthAnUpdateMs = 5;
        var peer = _peers[id];
        if (Math.Abs(peer.LatencyMs - latencyMs) < WorthAnUpdateMs)
            return;
        Unindex(peer);
        peer.LatencyMs = latencyMs;
        Index(peer);
    }

    /// <summary>
    /// What the receipts of a window prove: so many children were served in full. A peer that served all it was granted is granted
    /// more, up to its claim, and comes up in the tree when that shortens it.
    /// </summary>
    public void Proved(string id, int children, long nowMs)
    {
        var peer = _peers[id];
        if (peer.IsRoot || peer.IsDegraded)
            return;
        var slots = Math.Min(_rules.ClaimedSlots(peer.UplinkMbps), children + _rules.SlowStartSlots);
        if (slots <= peer.Slots)
            return;
        SetSlots(peer, slots);
        if (peer.IsAttached)
            TryRise(peer, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>A new claim, of a peer that came back. What children hold already is not taken away.</summary>
    public void Claimed(string id, double uplinkMbps, int maxChildren, long nowMs)
    {
        var peer = _peers[id];
        peer.UplinkMbps = uplinkMbps;
        var claimed = peer.IsRoot
            ? _rules.RootSlots(uplinkMbps, maxChildren)
            : Math.Min(_rules.ClaimedSlots(uplinkMbps), Math.Max(peer.Slots, _rules.SlowStartSlots));
        while (peer.Reserved.Count > 0 && peer.Children.Count + peer.Reserved.Count > claimed)
            RevokeLastReservation(peer);
        SetSlots(peer, Math.Max(claimed, peer.Children.Count));
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>What only time brings: back-offs end, drained parents lose the children that found no place before, the deepest are lifted, the waiting hear their position.</summary>
    /// <param name="moves">The most peers to lift.</param>
    public void Tick(int moves, long nowMs)
    {
        EndBackOffs(nowMs);
        foreach (var peer in _degraded.ToList())
            Drain(peer, nowMs);
        AdmitWaiting(nowMs);
        Lift(moves, nowMs);
        QueueMissingStandbys();
        Finish(RepairsPerTick);
        var position = 0;
        foreach (var peer in _waiting.Peers)
        {
            if (++position != peer.WaitingPosition)
                TellWaiting(peer, position, nowMs);
        }
    }

    /// <summary>All changes since the last call, and the peers whose records are to be written.</summary>
    public TreeDelta TakeDelta()
    {
        var delta = new TreeDelta(_changes, [.. _dirty], [.. _removed]);
        _changes = [];
        _dirty.Clear();
        _removed.Clear();
        return delta;
    }

    public bool HasDelta => _changes.Count > 0 || _dirty.Count > 0 || _removed.Count > 0;

    private void Register(Peer peer)
    {
        _peers.Add(peer.Id, peer);
        _removed.Remove(peer.Id);
        CountSlots(peer, 1);
    }

    private void SetSlots(Peer peer, int slots)
    {
        Unindex(peer);
        CountSlots(peer, -1);
        peer.Slots = slots;
        CountSlots(peer, 1);
        Index(peer);
        _dirty.Add(peer);
    }

    private void Finish(int repairs = RepairsPerOperation)
    {
        RepairStandbys(repairs);
        if (HasDelta)
            Version++;
    }

    private void ResendParent(Peer peer, Peer parent, string reason)
    {
        peer.Reason = reason;
        Tell(parent, ChangeKind.ChildAssigned, peer);
        Tell(peer, ChangeKind.ParentAssigned, parent);
    }

    private void Tell(Peer peer, ChangeKind kind, Peer? other, bool standby = false, int drainMs = 0)
    {
        _dirty.Add(peer);
        _changes.Add(new Change(
            kind,
            peer.Id,
            ++peer.Version,
            other?.Id,
            kind == ChangeKind.ParentAssigned ? peer.Depth : 0,
            kind == ChangeKind.ParentAssigned ? peer.Reason : "",
            standby,
            drainMs));
    }

    private void TellWaiting(Peer peer, long nowMs)
    {
        var position = 1;
        foreach (var other in _waiting.Peers)
        {
            if (ReferenceEquals(other, peer))
                break;
            position++;
        }

        TellWaiting(peer, position, nowMs);
    }

    private void TellWaiting(Peer peer, int position, long nowMs)
    {
        peer.WaitingPosition = position;
        _dirty.Add(peer);
        _changes.Add(new Change(ChangeKind.Waiting, peer.Id, ++peer.Version, Position: position, EstimateMs: _waiting.EstimateMs(position, nowMs)));
    }
}
