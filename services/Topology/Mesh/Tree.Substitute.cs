using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// What a loss near the root leaves to be done once the orphans have gone to their standbys, in the same operation and
/// make-before-break. One strong peer from below takes the place of the lost one with its orphans, whose subtrees come back to the depth
/// that they had: it costs a move for each of them, one for the substitute and one for each child that it cannot keep, where bringing up each
/// subtree by itself costs two. What still hangs too low changes places with a leaf.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>Levels gained, summed over peers, for each connection that a substitution changes.</summary>
    private const int WorthASubstitution = 4;

    /// <summary>A lost peer with fewer below it is not worth a search.</summary>
    private const int WorthAVacancy = 32;

    /// <summary>Losses of one operation that are weighed: of many at once the heaviest.</summary>
    private const int MostSubstituted = 8;

    /// <summary>Candidates of one level and rank that are weighed.</summary>
    private const int WeighedSubstitutes = 4;

    /// <summary>The deepest peer may be so many levels below where the ideal tree ends.</summary>
    private const int LevelsBelowIdeal = 2;

    /// <summary>Peers of a subtree looked at for its height; above that the whole tree's depth tells enough.</summary>
    private const int MostWalkedForHeight = 256;

    private void RestoreDepth(List<Vacancy> vacancies, List<Orphan> orphans, long nowMs)
    {
        var sunk = Sunk(orphans);
        if (sunk.Count == 0)
            return;
        vacancies.Sort(static (x, y) => y.Size.CompareTo(x.Size));
        foreach (var vacancy in vacancies.Take(MostSubstituted))
            TrySubstitute(vacancy, nowMs);
        Raise(Sunk(orphans), nowMs);
        Shorten(sunk, nowMs);
    }

    private void TrySubstitute(Vacancy vacancy, long nowMs)
    {
        if (vacancy.Parent is not { IsAttached: true, IsGone: false, IsDegraded: false, Room: > 0 } parent)
            return;
        var orphans = vacancy.Orphans.Where(orphan => orphan is { IsAttached: true, Parent: not null } && orphan.Depth > parent.Depth + 2).ToList();
        CountSizes();
        orphans.Sort(static (x, y) => x.Size != y.Size ? y.Size.CompareTo(x.Size) : x.Order.CompareTo(y.Order));
        if (orphans.Count > 1 && BestSubstitute(parent, orphans) is { } substitute && !HasEvicted(substitute))
            Substitute(substitute, parent, orphans, nowMs);
    }

    private Peer? BestSubstitute(Peer parent, List<Peer> orphans)
    {
        CountSizes();
        Peer? best = null;
        var bestGain = 0L;
        for (var depth = parent.Depth + 2; depth <= MaxDepth; depth++)
        {
            foreach (var index in (ReadOnlySpan<PlaceIndex>)[_leaves, _relays])
            {
                for (var ranks = index.RanksAt(depth); ranks != 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
                {
                    var heap = index.At(depth, PlaceIndex.Highest(ranks));
                    for (var at = 0; at < heap.Count && at < WeighedSubstitutes; at++)
                    {
                        var gain = GainOf(heap[at], parent, orphans);
                        if (gain > bestGain || (gain == bestGain && best is not null && heap[at].Order < best.Order))
                            (best, bestGain) = (heap[at], gain);
                    }
                }
            }
        }

        return best;
    }

    /// <summary>What is gained over what the moves must bring at least; 0 or less when it is not worth it.</summary>
    private static long GainOf(Peer peer, Peer parent, List<Peer> orphans)
    {
        if (peer.IsDegraded || peer.Parent!.IsDegraded || peer.Slots < 2)
            return 0;
        var taken = Math.Min(peer.Slots, orphans.Count);
        var gain = (long)(peer.Depth - parent.Depth - 1);
        var others = peer.Size - 1;
        for (var at = 0; at < taken; at++)
        {
            if (ReferenceEquals(orphans[at], peer) || ReferenceEquals(orphans[at].Parent, peer))
                return 0;
            gain += (long)orphans[at].Size * (orphans[at].Depth - parent.Depth - 2);
        }

        // Its children go a level down, or stay with it and come up.
        var left = Math.Max(0, peer.ChildCount + taken - peer.Slots);
        if (peer.ChildCount > 0)
            gain -= (long)others * left / peer.ChildCount;
        return gain - (WorthASubstitution * (taken + 1 + left));
    }

    private void Substitute(Peer substitute, Peer parent, List<Peer> orphans, long nowMs)
    {
        var former = substitute.Parent!;
        var ofOld = UnlinkChildren(substitute);
        CountSizes();
        ofOld.Sort(static (x, y) => x.Size != y.Size ? y.Size.CompareTo(x.Size) : x.Order.CompareTo(y.Order));
        Unlink(substitute);
        Adopt(substitute, parent, Reasons.Lifted, nowMs);
        TellMovedFrom(former, substitute);
        foreach (var orphan in orphans.Take(substitute.Slots))
        {
            // Those below another one that is on its way here have no path for a moment, but keep their place.
            var interim = orphan.Parent!;
            Unlink(orphan);
            Adopt(orphan, substitute, Reasons.Lifted, nowMs);
            TellMovedFrom(interim, orphan);
        }

        foreach (var child in ofOld)
        {
            if (substitute.Room > 0)
            {
                Link(child, substitute);
                continue;
            }

            if (!TryPlace(child, Reasons.Preempted, nowMs))
                Strand(child, nowMs);
            else
                TellMovedFrom(substitute, child);
        }
    }

    /// <summary>Subtrees that reach too far down come up into the place of a leaf, the deepest that is high enough.</summary>
    private void Shorten(List<Peer> sunk, long nowMs)
    {
        var most = Ideal(PlacedViewers, Root!.Slots).MaxDepth + LevelsBelowIdeal;
        foreach (var peer in sunk)
        {
            if (!peer.IsAttached || MaxDepth <= most)
                continue;
            var height = HeightOf(peer);
            if (peer.Depth + height <= most || LeafAt(most - height, peer) is not { } leaf)
                continue;
            var former = peer.Parent!;
            Unlink(peer);
            Displace(peer, leaf, Reasons.Lifted, nowMs);
            TellMovedFrom(former, peer);
        }
    }

    /// <summary>Levels below it.</summary>
    private int HeightOf(Peer peer)
    {
        if (SizeOf(peer) > MostWalkedForHeight)
            return MaxDepth - peer.Depth;
        var deepest = peer.Depth;
        for (var below = peer; below is not null; below = below.NextWithin(peer))
            deepest = Math.Max(deepest, below.Depth);
        return deepest - peer.Depth;
    }

    /// <summary>The weakest leaf at this depth or, when there is none, above it.</summary>
    private Peer? LeafAt(int deepest, Peer peer)
    {
        for (var depth = deepest; depth > 0; depth--)
        {
            for (var ranks = _leaves.RanksAt(depth); ranks != 0; ranks &= ranks - 1)
            {
                var heap = _leaves.At(depth, PlaceIndex.Lowest(ranks));
                for (var at = 0; at < Math.Min(heap.Count, WeighedSubstitutes); at++)
                {
                    if (heap[at] is { Parent.IsDegraded: false } leaf && !leaf.IsWithin(peer) && MayFeed(leaf.Parent, peer))
                        return leaf;
                }
            }
        }

        return null;
    }

    /// <summary>The place that a lost relay leaves, under a parent that is still there.</summary>
    /// <param name="Size">Peers that were below it.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Vacancy(Peer? Parent, IReadOnlyList<Peer> Orphans, int Size);
}
