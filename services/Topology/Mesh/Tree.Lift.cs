using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// The background pass that brings the tree towards the ideal. A peer that moves up takes its subtree along, so one move is worth the
/// peers below it times the levels gained; the pass makes the few moves that are worth most.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>Ranks of difference that are worth a move, so that peers of about the same strength do not keep changing places.</summary>
    private const int WorthAMove = 2;

    /// <summary>Levels gained, summed over peers, below which a move is not worth its connection.</summary>
    private const int WorthALift = 2;

    /// <summary>Peers of one heap that are weighed.</summary>
    private const int Weighed = 6;

    private readonly List<Weight> _risers = [];
    private readonly List<Weight> _victims = [];

    /// <summary>A peer that was granted more slots changes places with a much weaker leaf above it.</summary>
    private void TryRise(Peer peer, long nowMs)
    {
        if (peer.Room == 0 || HasMoved(peer) || WeakestLeaf(peer.Depth, peer.Rank - WorthAMove + 1) is not { } weak || !MayFeed(weak.Parent!, peer))
            return;
        var parent = peer.Parent!;
        Unlink(peer);
        Displace(peer, weak, Reasons.Lifted, nowMs);
        TellMovedFrom(parent, peer);
    }

    /// <param name="moves">The most connections to change.</param>
    private void Lift(int moves, long nowMs)
    {
        ForgetWhoMoved(nowMs);
        if (moves > 0 && TryLiftDeepest(nowMs))
            moves--;
        while (moves > 0 && MaxDepth > 1)
        {
            WeighAll();
            if (!TryBestLift(ref moves, nowMs))
                return;
        }
    }

    /// <summary>
    /// Orphans whose standby was deeper than the parent they lost have taken whole subtrees down. The heaviest come up again at once,
    /// into the place of the lost one and those of weaker peers, make-before-break; the rest is left to the background pass.
    /// </summary>
    private void Raise(List<Peer> sunk, long nowMs)
    {
        const int MostRaised = 32;
        // Whoever has lost a parent of a thousand cannot weigh them all: those with the most children are likely the heaviest.
        sunk.Sort(static (x, y) => x.ChildCount != y.ChildCount ? y.ChildCount.CompareTo(x.ChildCount) : x.Order.CompareTo(y.Order));
        if (sunk.Count > MostRaised / 2)
            sunk.RemoveRange(MostRaised / 2, sunk.Count - (MostRaised / 2));
        for (var moves = Math.Min(2 * sunk.Count, MostRaised); moves > 0;)
        {
            WeighAll();
            _risers.Clear();
            foreach (var peer in sunk)
                _risers.Add(Weigh(peer));
            if (!TryBestLift(ref moves, nowMs))
                return;
        }
    }

    private bool TryBestLift(ref int moves, long nowMs)
    {
        var (riser, victim, isFree) = BestLift(moves);
        if (riser is null)
            return false;
        var parent = riser.Parent!;
        Unlink(riser);
        if (isFree)
        {
            Adopt(riser, victim!, Reasons.Lifted, nowMs);
            moves--;
        }
        else
        {
            Displace(riser, victim!, Reasons.Lifted, nowMs);
            moves -= 2;
        }

        TellMovedFrom(parent, riser);
        return true;
    }

    /// <summary>One single peer far below the others is little to the mean, but it is the one that sees everything late.</summary>
    private bool TryLiftDeepest(long nowMs)
    {
        const int FarBelow = 2;
        var deepest = MaxDepth;
        var ranks = _leaves.RanksAt(deepest);
        if (ranks == 0 || BestParent(null, healthyOnly: true) is not { } free || deepest - (free.Depth + 1) < FarBelow)
            return false;
        var peer = _leaves.At(deepest, PlaceIndex.Highest(ranks))[0];
        if (peer.RidesFree || HasMoved(peer) || !MayFeed(free, peer))
            return false;
        var parent = peer.Parent!;
        Unlink(peer);
        Adopt(peer, free, Reasons.Lifted, nowMs);
        TellMovedFrom(parent, peer);
        return true;
    }

    /// <summary>The pair that gains most per move: who rises, and whose place it takes or, when there is a free slot, whose child it becomes.</summary>
    private (Peer? Riser, Peer? Other, bool IsFree) BestLift(int moves)
    {
        (Peer? Riser, Peer? Other, bool IsFree) best = default;
        var bestGain = WorthALift - 1;
        var free = BestParent(null, healthyOnly: true);
        foreach (var riser in _risers)
        {
            if (free is not null && riser.Peer.Depth - free.Depth - 1 is > 0 and var up && riser.Size * up > bestGain && !free.IsWithin(riser.Peer) && MayFeed(free, riser.Peer))
                (best, bestGain) = ((riser.Peer, free, true), riser.Size * up);
            if (moves < 2)
                continue;
            foreach (var victim in _victims)
            {
                var levels = riser.Peer.Depth - victim.Peer.Depth;
                if (levels < 1)
                    break;
                // The victim goes below the riser when that has room, else to about where that one was.
                var down = riser.Peer.Room > 0 && !riser.Peer.IsDegraded ? 1 : levels;
                var gain = ((riser.Worth * levels) - (victim.Worth * down)) / 2;
                if (gain > bestGain && (riser.Peer.Room > 0 || !IsBelow(riser.Peer, victim.Peer)) && !victim.Peer.Parent!.IsDegraded && MayFeed(victim.Peer.Parent, riser.Peer))
                    (best, bestGain) = ((riser.Peer, victim.Peer, false), gain);
            }
        }

        return best;
    }

    /// <summary>Of each level the strongest and the weakest, by depth.</summary>
    private void WeighAll()
    {
        _risers.Clear();
        _victims.Clear();
        for (var depth = 1; depth <= MaxDepth; depth++)
        {
            foreach (var index in (ReadOnlySpan<PlaceIndex>)[_leaves, _relays])
            {
                var ranks = index.RanksAt(depth);
                if (ranks == 0)
                    continue;
                Weigh(index.At(depth, PlaceIndex.Lowest(ranks)), _victims, latest: true);
                if (depth < 2)
                    continue;
                Weigh(index.At(depth, PlaceIndex.Highest(ranks)), _risers, latest: false);
                var next = ranks & PlaceIndex.Below(PlaceIndex.Highest(ranks));
                if (next != 0)
                    Weigh(index.At(depth, PlaceIndex.Highest(next)), _risers, latest: false);
            }
        }
    }

    private void Weigh(PeerHeap heap, List<Weight> into, bool latest)
    {
        for (var at = 0; at < heap.Count && at < Weighed; at++)
        {
            var peer = heap[latest ? heap.Count - 1 - at : at];
            if (!HasMoved(peer) && (latest || !peer.RidesFree))
                into.Add(Weigh(peer));
        }
    }

    // Who could feed more than it does is worth those who would come below it.
    private Weight Weigh(Peer peer)
    {
        var size = SizeOf(peer);
        return new Weight(peer, size, peer.IsDegraded ? 0 : size + peer.Prospect - peer.ChildCount);
    }

    /// <param name="Size">Peers that move with it, itself among them.</param>
    /// <param name="Worth">The same, and those that its spare slots would take.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Weight(Peer Peer, int Size, int Worth);
}
