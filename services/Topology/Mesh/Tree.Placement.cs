namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Waiting peers looked at when slots come free: a head that cannot be placed does not bar the others for ever, and a decision stays bounded.</summary>
    private const int AdmissionLookAhead = 64;

    /// <summary>Candidates of one heap looked at while parts of the tree are being moved, before deeper ones are tried.</summary>
    private const int LooseProbes = 64;

    /// <summary>Parents looked at for one in the peer's region.</summary>
    private const int RegionProbes = 16;

    /// <summary>Candidates of one depth looked at for one in a light branch.</summary>
    private const int BranchProbes = 16;

    /// <summary>With fewer peers than this for each child of the root, branches differ by nature.</summary>
    private const int SmallestToBalance = 32;

    /// <summary>Ranks by which a newcomer must exceed the leaf whose place it takes when it comes no higher up by it: then all that is gained is slots further up.</summary>
    private const int WorthAPreemption = 3;

    /// <summary>Finds a parent for a peer that has none.</summary>
    private bool TryPlace(Peer peer, string reason, long nowMs)
    {
        if (peer.Standby is { } standby && LeadsToRoot(standby) && MayFeed(standby, peer))
        {
            // The peer switches to it by itself the moment it misses data; any other choice would only make it switch twice.
            Unreserve(peer, standby);
            Adopt(peer, standby, reason, nowMs);
            return true;
        }

        var best = BestParent(peer);
        if (reason == Reasons.Joined && TryPreempt(peer, best is null ? int.MaxValue : best.Depth + 1, reason, nowMs))
            return true;
        if (best is null)
            return TryTakeOver(peer, reason, nowMs);
        Adopt(peer, best, reason, nowMs);
        return true;
    }

    /// <param name="peer">Who is to be placed; null = anybody.</param>
    private Peer? BestParent(Peer? peer, bool healthyOnly = false) =>
        (peer is { RidesFree: true } ? Lowest(peer) : null)
        ?? Best(_room, LooseProbes, peer)
        ?? (_loose > 0 || _evictions.Count > 0 ? Best(_room, int.MaxValue, peer) : null)
        ?? (healthyOnly ? null : Best(_lastChoice, int.MaxValue, peer));

    /// <summary>For who refuses to relay: the deepest parent that has room, so that all other places are for those who share.</summary>
    private Peer? Lowest(Peer peer)
    {
        for (var depth = _room.Depths - 1; depth >= 0; depth--)
        {
            for (var ranks = _room.RanksAt(depth); ranks != 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
            {
                var heap = _room.At(depth, PlaceIndex.Highest(ranks));
                for (var at = 0; at < heap.Count && at < LooseProbes; at++)
                {
                    if (LeadsToRoot(heap[at]) && MayFeed(heap[at], peer))
                        return heap[at];
                }
            }
        }

        return null;
    }

    /// <summary>The least depth, there the most spare slots, then the nearest, then the own region; all of them in a branch that is not too heavy, while there is one.</summary>
    private Peer? Best(PlaceIndex index, int probes, Peer? peer)
    {
        for (var depth = 0; depth < index.Depths; depth++)
        {
            Peer? first = null;
            var left = BranchProbes;
            for (var ranks = index.RanksAt(depth); ranks != 0 && left > 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
            {
                var heap = index.At(depth, PlaceIndex.Highest(ranks));
                var end = Math.Min(heap.Count, probes);
                for (var at = 0; at < end && left > 0; at++)
                {
                    var candidate = heap[at];
                    if (!LeadsToRoot(candidate) || (peer is not null && !MayFeed(candidate, peer)))
                        continue;
                    if (!IsInHeavyBranch(candidate))
                        return OfItsRegion(peer, heap, at);
                    first ??= candidate;
                    left--;
                }
            }

            if (first is not null)
                return first;
        }

        return null;
    }

    /// <summary>Of parents as near as this one, one in the peer's own region when there is one.</summary>
    private Peer OfItsRegion(Peer? peer, PeerHeap heap, int at)
    {
        var found = heap[at];
        if (peer is null || peer.Region == 0 || found.Region == peer.Region)
            return found;
        // The equals of a heap's first stand right behind it.
        var end = Math.Min(heap.Count, at + RegionProbes);
        for (var next = at + 1; next < end; next++)
        {
            var other = heap[next];
            if (other.Region == peer.Region && StepOf(other.LatencyMs) == StepOf(found.LatencyMs) && LeadsToRoot(other) && MayFeed(other, peer) && !IsInHeavyBranch(other))
                return other;
        }

        return found;
    }

    /// <summary>True when what is below one child of the root is more than its share: its loss would hit more viewers than it need.</summary>
    private bool IsInHeavyBranch(Peer peer)
    {
        var branches = Root!.ChildCount;
        if (peer.IsRoot || _peers.Count < SmallestToBalance * branches)
            return false;
        return _peersInBranch[peer.Branch] * (long)branches > _peers.Count;
    }

    /// <summary>A stronger peer takes the shallow place of a weaker leaf, which becomes its child.</summary>
    /// <param name="depth">Only places shallower than this are worth it.</param>
    private bool TryPreempt(Peer peer, int depth, string reason, long nowMs)
    {
        if (peer.Room < 1)
            return false;
        var leaf = WeakestLeaf(depth, peer.Rank);
        if (leaf is not null && leaf.Depth == depth - 1 && peer.Rank - leaf.Rank < WorthAPreemption)
            leaf = null;
        if (WeakRelay(leaf?.Depth ?? depth, peer) is { } relay)
        {
            Supersede(peer, relay, reason, nowMs);
            return true;
        }

        if (leaf is null)
            return false;
        Displace(peer, leaf, reason, nowMs);
        return true;
    }

    /// <summary>A weaker relay with so few children that the newcomer can feed them all and the relay itself.</summary>
    private Peer? WeakRelay(int belowDepth, Peer peer)
    {
        var ranks = PlaceIndex.Below(peer.Rank);
        var depths = Math.Min(belowDepth, _relays.Depths);
        for (var depth = 1; depth < depths; depth++)
        {
            var weaker = _relays.RanksAt(depth) & ranks;
            if (weaker != 0
                && _relays.At(depth, PlaceIndex.Lowest(weaker)).Latest is var weak
                && weak.Slots < peer.Slots && weak.ChildCount < peer.Room && weak is { IsDegraded: false, Parent.IsDegraded: false } && LeadsToRoot(weak) && !HasMovedOrItsChildren(weak))
                return weak;
        }

        return null;
    }

    /// <summary>A newcomer takes a weak relay's place and its children, whose depth stays what it was; the relay becomes its child.</summary>
    private void Supersede(Peer peer, Peer relay, string reason, long nowMs)
    {
        var parent = relay.Parent!;
        Unlink(relay);
        Adopt(peer, parent, reason, nowMs);
        while (relay.FirstChild is { } child)
        {
            Unlink(child);
            Adopt(child, peer, Reasons.Preempted, nowMs);
            Tell(relay, ChangeKind.ChildRemoved, child, drainMs: _rules.DrainMs);
        }

        Adopt(relay, peer, Reasons.Preempted, nowMs);
        Tell(parent, ChangeKind.ChildRemoved, relay, drainMs: _rules.DrainMs);
    }

    /// <summary>The weakest leaf of the least depth where there is one of a lower rank.</summary>
    private Peer? WeakestLeaf(int belowDepth, int rank)
    {
        var ranks = PlaceIndex.Below(rank);
        var depths = Math.Min(belowDepth, _leaves.Depths);
        for (var depth = 1; depth < depths; depth++)
        {
            var weaker = _leaves.RanksAt(depth) & ranks;
            if (weaker != 0 && _leaves.At(depth, PlaceIndex.Lowest(weaker)).Latest is { Parent.IsDegraded: false } weak && LeadsToRoot(weak) && !HasMoved(weak))
                return weak;
        }

        return null;
    }

    /// <summary>
    /// All slots are taken, but the peer brings one itself, or its subtree has one: it takes a leaf's place and the leaf goes below
    /// it. So only those wait who bring nothing.
    /// </summary>
    private bool TryTakeOver(Peer peer, string reason, long nowMs)
    {
        if (!peer.Subtree().Any(below => below is { IsDegraded: false, Room: > 0 }) || AnyLeaf(peer) is not { } leaf)
            return false;
        Displace(peer, leaf, reason, nowMs);
        return true;
    }

    private Peer? AnyLeaf(Peer peer) => (_movedOnce.Count == 0 ? null : AnyLeaf(peer, alsoMoved: false)) ?? AnyLeaf(peer, alsoMoved: true);

    private Peer? AnyLeaf(Peer peer, bool alsoMoved)
    {
        for (var depth = 1; depth < _leaves.Depths; depth++)
        {
            for (var ranks = _leaves.RanksAt(depth); ranks != 0; ranks &= ranks - 1)
            {
                var heap = _leaves.At(depth, PlaceIndex.Lowest(ranks));
                for (var at = 0; at < heap.Count; at++)
                {
                    if ((alsoMoved || !HasMoved(heap[at])) && LeadsToRoot(heap[at]) && MayFeed(heap[at].Parent!, peer))
                        return heap[at];
                }
            }
        }

        return null;
    }

    /// <summary>Puts a peer without parent into a leaf's place and finds the leaf another, below the peer whenever it has room itself.</summary>
    private void Displace(Peer peer, Peer leaf, string reason, long nowMs)
    {
        var parent = leaf.Parent!;
        Unlink(leaf);
        Adopt(peer, parent, reason, nowMs);
        // Its children's places are what the weaker one gets in exchange; its standby stays as it is.
        var below = peer is { Room: > 0, IsDegraded: false } && MayFeed(peer, leaf) ? peer : BestParent(leaf) ?? BestParent(null)!;
        Adopt(leaf, below, Reasons.Preempted, nowMs);
        Tell(parent, ChangeKind.ChildRemoved, leaf, drainMs: _rules.DrainMs);
    }

    private void AdmitWaiting(long nowMs)
    {
        // Who is admitted may bring slots for those before it that brought none.
        for (var before = 0; _waiting.Count > 0 && _waiting.Count != before;)
        {
            before = _waiting.Count;
            foreach (var peer in _waiting.Peers.Take(AdmissionLookAhead).ToList())
            {
                if (!TryPlace(peer, peer.WaitsAsOrphan ? Reasons.ParentLeft : Reasons.Joined, nowMs))
                    continue;
                _waiting.Remove(peer);
                _waiting.Admitted(nowMs);
            }
        }
    }

    private void Enqueue(Peer peer, bool orphan, long nowMs)
    {
        _waiting.Add(peer, orphan);
        MarkDirty(peer);
        TellWaiting(peer, nowMs);
    }
}
