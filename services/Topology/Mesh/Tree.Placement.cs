namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Waiting peers looked at when slots come free: a head that cannot be placed does not bar the others for ever, and a decision stays bounded.</summary>
    private const int AdmissionLookAhead = 64;

    private const int ExplainedCandidates = 5;

    private readonly PlaceIndex _free = new(new BestParentFirst());

    /// <summary>Parents all of whose spare slots are reserved for standbys: a standby gives way to a child that would else stand deeper, or nowhere.</summary>
    private readonly PlaceIndex _reserved = new(new BestParentFirst());

    /// <summary>Degraded parents with room: taken when there is nothing else.</summary>
    private readonly PlaceIndex _lastChoice = new(new BestParentFirst());

    private readonly PlaceIndex _leaves = new(new WeakestFirst());

    private void PlaceAll(List<Peer> orphans, string reason, long nowMs)
    {
        // The strong first: each brings slots that the next may need.
        orphans.Sort(static (x, y) => x.Slots != y.Slots ? y.Slots.CompareTo(x.Slots) : string.CompareOrdinal(x.Id, y.Id));
        foreach (var orphan in orphans)
        {
            if (!TryPlace(orphan, reason, nowMs))
                Strand(orphan, nowMs);
        }

        AdmitWaiting(nowMs);
    }

    /// <summary>Finds a parent for a peer that has none. The peer's own subtree is not in the indices, so no cycle can come of it.</summary>
    private bool TryPlace(Peer peer, string reason, long nowMs)
    {
        if (peer.Standby is { } standby)
        {
            // The peer switches to it by itself the moment it misses data; any other choice would only make it switch twice.
            Unreserve(peer, standby);
            Adopt(peer, standby, reason, nowMs);
            _decisions.Add(peer.Id, new Decision(reason, nowMs, [Describe(standby, "", chosen: true)]));
            return true;
        }

        var best = BestParent();
        if (reason == Reasons.Joined && TryPreempt(peer, best is null ? int.MaxValue : best.Depth + 1, reason, nowMs))
            return true;
        if (best is null)
            return TryTakeOver(peer, reason, nowMs);
        Remember(peer, best, reason, nowMs);
        MakeRoom(best);
        Adopt(peer, best, reason, nowMs);
        return true;
    }

    private Peer? BestParent(bool healthyOnly = false)
    {
        for (var depth = 0; depth < Math.Max(_free.Depths, _reserved.Depths); depth++)
        {
            if (_free.At(depth).Min is { } free)
                return free;
            if (_reserved.At(depth).Min is { } reserved)
                return reserved;
        }

        return healthyOnly ? null : _lastChoice.All().FirstOrDefault();
    }

    /// <summary>A stronger peer takes the shallow place of a weaker leaf, which becomes its child.</summary>
    /// <param name="depth">Only places shallower than this are worth it.</param>
    private bool TryPreempt(Peer peer, int depth, string reason, long nowMs)
    {
        if (peer.Slots - peer.Children.Count < 1)
            return false;
        for (var above = 1; above < depth && above < _leaves.Depths; above++)
        {
            if (_leaves.At(above).Min is not { } weak || weak.Slots >= peer.Slots || weak.Parent!.IsDegraded)
                continue;
            Displace(peer, weak, reason, nowMs);
            return true;
        }

        return false;
    }

    /// <summary>
    /// All slots are taken, but the peer brings one itself, or its subtree has one: it takes a leaf's place and the leaf goes below
    /// it. So only those wait who bring nothing.
    /// </summary>
    private bool TryTakeOver(Peer peer, string reason, long nowMs)
    {
        if (!peer.Subtree().Any(below => !below.IsDegraded && below.Slots > below.Children.Count))
            return false;
        var leaf = Enumerable.Range(0, _leaves.Depths).Select(depth => _leaves.At(depth).Min).FirstOrDefault(found => found is not null);
        if (leaf is null)
            return false;
        Displace(peer, leaf, reason, nowMs);
        return true;
    }

    /// <summary>Puts a peer without parent into a leaf's place and finds the leaf another, below the peer whenever it has room itself.</summary>
    private void Displace(Peer peer, Peer leaf, string reason, long nowMs)
    {
        var parent = leaf.Parent!;
        Remember(peer, parent, reason, nowMs);
        Unlink(leaf);
        Adopt(peer, parent, reason, nowMs);
        // Its children's places are what the weaker one gets in exchange; its standby stays as it is.
        var below = peer.Slots > peer.Children.Count && !peer.IsDegraded ? peer : BestParent()!;
        Remember(leaf, below, Reasons.Preempted, nowMs);
        MakeRoom(below);
        Adopt(leaf, below, Reasons.Preempted, nowMs);
        Tell(parent, ChangeKind.ChildRemoved, leaf, drainMs: _rules.DrainMs);
    }

    /// <summary>A peer that was granted more slots changes places with a much weaker leaf above it.</summary>
    private void TryRise(Peer peer, long nowMs)
    {
        // Two slots of difference, so that peers of about the same strength do not keep changing places.
        const int WorthAMove = 2;
        for (var above = 1; above < peer.Depth && above < _leaves.Depths; above++)
        {
            if (_leaves.At(above).Min is not { } weak || weak.Parent!.IsDegraded || peer.Slots - weak.Slots < WorthAMove || peer.Slots == peer.Children.Count)
                continue;
            var parent = peer.Parent!;
            Unlink(peer);
            Displace(peer, weak, Reasons.Lifted, nowMs);
            TellMovedFrom(parent, peer);
            return;
        }
    }

    /// <summary>Moves the strongest of the deepest level up, where that is possible, a bounded number of times.</summary>
    private void Lift(int moves, long nowMs)
    {
        for (var move = 0; move < moves; move++)
        {
            var deepest = MaxDepth;
            if (deepest < 2 || _leaves.Depths <= deepest || _leaves.At(deepest).Max is not { } peer)
                return;
            var parent = peer.Parent!;
            Unlink(peer);
            if (BestParent(healthyOnly: true) is { } best && best.Depth + 1 < deepest)
            {
                Remember(peer, best, Reasons.Lifted, nowMs);
                MakeRoom(best);
                Adopt(peer, best, Reasons.Lifted, nowMs);
            }
            else if (!TryPreempt(peer, deepest - 1, Reasons.Lifted, nowMs))
            {
                Link(peer, parent);
                return;
            }

            TellMovedFrom(parent, peer);
        }
    }

    private void AdmitWaiting(long nowMs)
    {
        if (_waiting.Count == 0)
            return;
        foreach (var peer in _waiting.Peers.Take(AdmissionLookAhead).ToList())
        {
            if (!TryPlace(peer, peer.WaitsAsOrphan ? Reasons.ParentLeft : Reasons.Joined, nowMs))
                continue;
            _waiting.Remove(peer);
            _waiting.Admitted(nowMs);
        }
    }

    private void Enqueue(Peer peer, bool orphan, long nowMs)
    {
        _waiting.Add(peer, orphan);
        TellWaiting(peer, nowMs);
    }

    /// <summary>Nobody can take the orphan: it waits with all that is below it, and what is reserved there serves nobody.</summary>
    private void Strand(Peer orphan, long nowMs)
    {
        foreach (var below in orphan.Subtree())
            RevokeReservations(below, tell: true);
        Enqueue(orphan, orphan: true, nowMs);
    }

    private void Adopt(Peer peer, Peer parent, string reason, long nowMs)
    {
        peer.Reason = reason;
        peer.AssignedAtMs = nowMs;
        peer.BadWindows = 0;
        Link(peer, parent);
        // The parent's edge must know of the child before the child's offer comes.
        Tell(parent, ChangeKind.ChildAssigned, peer);
        Tell(peer, ChangeKind.ParentAssigned, parent);
        if (peer.Standby is null)
            WantStandby(peer);
    }

    private void TellMovedFrom(Peer former, Peer peer)
    {
        if (!ReferenceEquals(former, peer.Parent))
            Tell(former, ChangeKind.ChildRemoved, peer, drainMs: _rules.DrainMs);
    }

    private void Link(Peer child, Peer parent)
    {
        Unindex(parent);
        child.Parent = parent;
        parent.Children.Add(child);
        Index(parent);
        _dirty.Add(child);
        foreach (var below in child.Subtree())
        {
            below.Depth = parent.IsAttached ? below.Parent!.Depth + 1 : -1;
            CountDepth(below, 1);
            Index(below);
        }

        // A standby must stay outside of what is lost together with the parent.
        if (child.Standby is { } standby && !MayBeStandby(child, standby))
            ReleaseStandby(child, tell: true);
        foreach (var below in child.Subtree())
        {
            for (var i = below.Reserved.Count - 1; i >= 0; i--)
            {
                if (!MayBeStandby(below.Reserved[i], below))
                    ReleaseStandby(below.Reserved[i], tell: true);
            }
        }
    }

    private void Unlink(Peer child)
    {
        var parent = child.Parent!;
        Unindex(parent);
        parent.Children.Remove(child);
        child.Parent = null;
        Index(parent);
        _dirty.Add(child);
        foreach (var below in child.Subtree())
        {
            Unindex(below);
            CountDepth(below, -1);
            below.Depth = -1;
        }
    }

    /// <summary>Puts a peer into the sets where it belongs now. What orders a set must not change while the peer is in it.</summary>
    private void Index(Peer peer)
    {
        if (!peer.IsAttached)
            return;
        var room = peer.Slots - peer.Children.Count;
        if (room > 0)
        {
            var index = peer.IsDegraded ? _lastChoice : peer.FreeSlots > 0 ? _free : _reserved;
            peer.SlotSet = index.At(peer.Depth);
            peer.SlotSet.Add(peer);
            SpareSlots += room;
            _unreserved += peer.IsDegraded ? 0 : peer.FreeSlots;
        }

        if (peer.Children.Count == 0 && !peer.IsRoot)
        {
            peer.LeafSet = _leaves.At(peer.Depth);
            peer.LeafSet.Add(peer);
        }
    }

    private void Unindex(Peer peer)
    {
        if (peer.SlotSet is not null)
        {
            peer.SlotSet.Remove(peer);
            peer.SlotSet = null;
            SpareSlots -= peer.Slots - peer.Children.Count;
            _unreserved -= peer.IsDegraded ? 0 : peer.FreeSlots;
        }

        peer.LeafSet?.Remove(peer);
        peer.LeafSet = null;
    }

    private void Remember(Peer peer, Peer chosen, string reason, long nowMs)
    {
        if (_rules.ExplainedDecisions == 0)
            return;
        var candidates = new List<DecisionCandidate> { Describe(chosen, "", chosen: true) };
        for (var depth = 0; depth < _free.Depths && candidates.Count < ExplainedCandidates; depth++)
        {
            foreach (var other in _free.At(depth).Concat(depth < _reserved.Depths ? _reserved.At(depth) : []).Take(ExplainedCandidates))
            {
                if (candidates.Count < ExplainedCandidates && !ReferenceEquals(other, chosen) && !ReferenceEquals(other, peer))
                    candidates.Add(Describe(other, Verdict(other, chosen), chosen: false));
            }
        }

        _decisions.Add(peer.Id, new Decision(reason, nowMs, candidates));
    }

    private static string Verdict(Peer other, Peer chosen)
    {
        if (other.Depth != chosen.Depth)
            return other.Depth > chosen.Depth ? "deeper" : "not_stronger";
        if (other.FreeSlots != chosen.FreeSlots)
            return other.FreeSlots == 0 ? "reserved" : "less_spare_uplink";
        return other.LatencyMs > chosen.LatencyMs ? "slower" : "later_id";
    }

    private DecisionCandidate Describe(Peer peer, string verdict, bool chosen) =>
        new(peer.Id, peer.Depth, peer.FreeSlots, Math.Max(0, peer.FreeSlots) * _rules.BitrateKbps / 1000.0, peer.LatencyMs, chosen, verdict);
}

/// <summary>The latest decisions, the oldest forgotten first.</summary>
internal sealed class DecisionLog(int capacity)
{
    private readonly Dictionary<string, Decision> _byPeer = new(StringComparer.Ordinal);
    private readonly Queue<(string PeerId, Decision Decision)> _inOrder = new();

    public Decision? Find(string peerId) => _byPeer.GetValueOrDefault(peerId);

    public void Add(string peerId, Decision decision)
    {
        if (capacity == 0)
            return;
        _byPeer[peerId] = decision;
        _inOrder.Enqueue((peerId, decision));
        while (_inOrder.Count > capacity)
        {
            var (oldest, forgotten) = _inOrder.Dequeue();
            if (_byPeer.TryGetValue(oldest, out var latest) && ReferenceEquals(latest, forgotten))
                _byPeer.Remove(oldest);
        }
    }

    public void Remove(string peerId) => _byPeer.Remove(peerId);
}
