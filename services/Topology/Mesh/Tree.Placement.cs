namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Waiting peers looked at when slots come free: a head that cannot be placed does not bar the others for ever, and a decision stays bounded.</summary>
    private const int AdmissionLookAhead = 64;

    /// <summary>Candidates of one heap looked at while parts of the tree are being moved, before deeper ones are tried.</summary>
    private const int LooseProbes = 64;

    /// <summary>Finds a parent for a peer that has none.</summary>
    private bool TryPlace(Peer peer, string reason, long nowMs)
    {
        if (peer.Standby is { } standby && LeadsToRoot(standby))
        {
            // The peer switches to it by itself the moment it misses data; any other choice would only make it switch twice.
            Unreserve(peer, standby);
            Adopt(peer, standby, reason, nowMs);
            return true;
        }

        var best = BestParent();
        if (reason == Reasons.Joined && TryPreempt(peer, best is null ? int.MaxValue : best.Depth + 1, reason, nowMs))
            return true;
        if (best is null)
            return TryTakeOver(peer, reason, nowMs);
        MakeRoom(best);
        Adopt(peer, best, reason, nowMs);
        return true;
    }

    private Peer? BestParent(bool healthyOnly = false, Peer? except = null) =>
        Best(_room, LooseProbes, except)
        ?? (_loose > 0 ? Best(_room, int.MaxValue, except) : null)
        ?? (healthyOnly ? null : Best(_lastChoice, int.MaxValue, except));

    /// <summary>The least depth, there the most spare slots, then the nearest.</summary>
    private Peer? Best(PlaceIndex index, int probes, Peer? except)
    {
        for (var depth = 0; depth < index.Depths; depth++)
        {
            for (var ranks = index.RanksAt(depth); ranks != 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
            {
                var heap = index.At(depth, PlaceIndex.Highest(ranks));
                var end = Math.Min(heap.Count, probes);
                for (var at = 0; at < end; at++)
                {
                    if (LeadsToRoot(heap[at]) && !ReferenceEquals(heap[at], except))
                        return heap[at];
                }
            }
        }

        return null;
    }

    /// <summary>A stronger peer takes the shallow place of a weaker leaf, which becomes its child.</summary>
    /// <param name="depth">Only places shallower than this are worth it.</param>
    private bool TryPreempt(Peer peer, int depth, string reason, long nowMs)
    {
        if (peer.Room < 1)
            return false;
        var leaf = WeakestLeaf(depth, peer.Rank);
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
                && _relays.At(depth, PlaceIndex.Lowest(weaker)).Latest is { Parent.IsDegraded: false, IsDegraded: false } weak
                && weak.Slots < peer.Slots && weak.ChildCount < peer.Room && LeadsToRoot(weak))
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
            if (weaker != 0 && _leaves.At(depth, PlaceIndex.Lowest(weaker)).Latest is { Parent.IsDegraded: false } weak && LeadsToRoot(weak))
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
        if (!peer.Subtree().Any(below => below is { IsDegraded: false, Room: > 0 }) || AnyLeaf() is not { } leaf)
            return false;
        Displace(peer, leaf, reason, nowMs);
        return true;
    }

    private Peer? AnyLeaf()
    {
        for (var depth = 1; depth < _leaves.Depths; depth++)
        {
            for (var ranks = _leaves.RanksAt(depth); ranks != 0; ranks &= ranks - 1)
            {
                var heap = _leaves.At(depth, PlaceIndex.Lowest(ranks));
                for (var at = 0; at < heap.Count; at++)
                {
                    if (LeadsToRoot(heap[at]))
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
        var below = peer is { Room: > 0, IsDegraded: false } ? peer : BestParent()!;
        MakeRoom(below);
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
        TellWaiting(peer, nowMs);
    }
}
