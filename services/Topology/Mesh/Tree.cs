using System.Diagnostics;

namespace Beacon.Topology.Mesh;

/// <summary>
/// The tree of one stripe of one stream: who feeds whom. Deterministic: time is an argument, equal histories give equal trees.
/// Operations collect what they changed; <see cref="TakeDelta()"/> hands it over. Not thread-safe: the stream's one owner calls it.
/// </summary>
internal sealed partial class Tree(int stripe, TreeRules rules)
{
    private readonly TreeRules _rules = rules;
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private readonly WaitingList _waiting = new();
    private readonly Regions _regions = new();
    private uint _nextOrder;

    public int Stripe { get; } = stripe;

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

    /// <summary>The broadcaster's peer. There is one, for the life of the tree.</summary>
    public void SetRoot(string id, double uplinkMbps, int maxChildren)
    {
        Debug.Assert(Root is null, "a tree has one root");
        var root = new Peer(id, isRoot: true, _nextOrder++) { UplinkMbps = uplinkMbps, Slots = _rules.RootSlots(uplinkMbps, maxChildren) };
        Root = root;
        Register(root);
        SetDepth(root, 0);
        MarkDirty(root);
    }

    /// <summary>A viewer comes: it gets a parent, or a number in the waiting list.</summary>
    /// <param name="region">Where the network knows it to be, such as its edge; null = unknown.</param>
    /// <param name="ridesFree">It refuses to relay, in every stripe.</param>
    public void Join(string id, double uplinkMbps, double latencyMs, long nowMs, string? region = null, bool ridesFree = false)
    {
        var peer = Arrive(id, uplinkMbps, latencyMs, region, ridesFree);
        if (!TryPlace(peer, Reasons.Joined, nowMs))
            Enqueue(peer, orphan: false, nowMs);
        else
            AdmitWaiting(nowMs);
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
            MarkDirty(child);
            Tell(child, ChangeKind.ParentAssigned, peer);
        }

        foreach (var reserved in peer.Reserved)
        {
            Tell(peer, ChangeKind.ChildAssigned, reserved, standby: true);
            Tell(reserved, ChangeKind.StandbyAssigned, peer);
        }

        // Also that it has no standby: a client that was away may remember one.
        if (peer.Parent is { } parent)
        {
            ResendParent(peer, parent, reason);
            ResendStandby(peer);
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

    /// <summary>Tells a peer its standby anew, and that one of the peer.</summary>
    public void ResendStandby(string id)
    {
        ResendStandby(_peers[id]);
        Finish();
    }

    /// <summary>A fresh measurement of the way to a peer.</summary>
    public void Measured(string id, double latencyMs)
    {
        var peer = _peers[id];
        if (Math.Abs(peer.LatencyMs - latencyMs) < LatencyStepMs)
            return;
        peer.LatencyMs = (float)latencyMs;
        Reindex(peer);
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

    /// <summary>A peer that came back refuses to relay now, or no longer.</summary>
    public void RidesFree(string id, bool ridesFree)
    {
        var peer = _peers[id];
        if (peer.RidesFree == (ridesFree && _rules.FreeRidersLast))
            return;
        if (peer.IsWaiting)
            _waiting.Suspend(peer);
        peer.RidesFree = !peer.RidesFree;
        if (peer.IsWaiting)
            _waiting.Restore(peer);
        MarkDirty(peer);
    }

    /// <summary>A new claim, of a peer that came back. What children hold already is not taken away.</summary>
    public void Claimed(string id, double uplinkMbps, int maxChildren, long nowMs)
    {
        var peer = _peers[id];
        peer.UplinkMbps = uplinkMbps;
        var claimed = peer.IsRoot
            ? _rules.RootSlots(uplinkMbps, maxChildren)
            : Math.Min(_rules.ClaimedSlots(uplinkMbps), Math.Max(peer.Slots, _rules.SlowStartSlots));
        SetSlots(peer, Math.Max(claimed, peer.ChildCount));
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>What only time brings: back-offs end, drained parents lose the children that found no place before, the tree is brought towards the ideal, the waiting hear their position.</summary>
    /// <param name="moves">The most connections to change for a better tree; two exchanges of relays may come on top. 0 = none.</param>
    public void Tick(int moves, long nowMs)
    {
        EndBackOffs(nowMs);
        foreach (var peer in _degraded.ToList())
            Drain(peer, nowMs);
        AdmitWaiting(nowMs);
        Lift(moves, nowMs);
        if (moves > 0)
        {
            TryExchange(nowMs);
            TryExchangeForAge(nowMs);
            AdmitWaiting(nowMs);
        }

        Finish(RepairsPerTick);
        var position = 0;
        foreach (var peer in _waiting.Peers)
        {
            if (++position != peer.WaitingPosition)
                TellWaiting(peer, position, nowMs);
        }
    }

    /// <summary>Slots of a newcomer that claims this uplink.</summary>
    public int GrantedAtFirst(double uplinkMbps) => Math.Min(_rules.ClaimedSlots(uplinkMbps), _rules.SlowStartSlots);

    private void ResendStandby(Peer peer)
    {
        if (peer.Standby is { } standby)
            Tell(standby, ChangeKind.ChildAssigned, peer, standby: true);
        Tell(peer, ChangeKind.StandbyAssigned, peer.Standby);
    }

    private Peer Arrive(string id, double uplinkMbps, double latencyMs, string? region, bool ridesFree)
    {
        Debug.Assert(Root is not null && !_peers.ContainsKey(id), "the root is first, and a peer joins once");
        var peer = new Peer(id, isRoot: false, _nextOrder++)
        {
            UplinkMbps = uplinkMbps,
            LatencyMs = (float)latencyMs,
            Region = _regions.NumberOf(region),
            Slots = GrantedAtFirst(uplinkMbps),
            RidesFree = ridesFree && _rules.FreeRidersLast,
        };
        Register(peer);
        MarkDirty(peer);
        return peer;
    }

    private void Register(Peer peer)
    {
        _peers.Add(peer.Id, peer);
        _removed.Remove(peer.Id);
        CountSlots(peer, 1);
    }

    private void SetSlots(Peer peer, int slots)
    {
        CountSlots(peer, -1);
        peer.Slots = slots;
        CountSlots(peer, 1);
        Squeeze(peer);
        Reindex(peer);
        MarkDirty(peer);
    }

    private void Finish(int repairs = RepairsPerOperation)
    {
        RepairStandbys(repairs);
        if (HasDelta)
            Version++;
    }
}
