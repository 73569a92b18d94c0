namespace Beacon.Topology.Mesh;

/// <summary>
/// Who has watched for long is likely to stay for long (sessions are heavy-tailed), so of two relays of one strength the young one is the
/// greater risk to all that is below it. Near the root, where one loss hits a whole branch, it changes places with an old one.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>Further down a loss hits too few for the connections that an exchange changes.</summary>
    private const int LevelsOfAge = 3;

    /// <summary>Viewers, weighed by how much older the other relay is, for each connection changed.</summary>
    private const int WorthAnAge = 1;

    /// <summary>The other relay is at least twice as old: below that, age says little, and places would be exchanged back and forth.</summary>
    private const double LeastShare = 0.5;

    /// <summary>Relays of one level and rank that are weighed.</summary>
    private const int WeighedForAge = 64;

    /// <summary>At most one exchange, of the relay whose loss is the greatest risk.</summary>
    private void TryExchangeForAge(long nowMs)
    {
        (Peer Old, Peer Young)? best = null;
        var bestGain = 0.0;
        for (var depth = 1; depth <= LevelsOfAge && depth < MaxDepth - 1; depth++)
        {
            for (var ranks = _relays.RanksAt(depth); ranks != 0; ranks &= ranks - 1)
            {
                var heap = _relays.At(depth, PlaceIndex.Lowest(ranks));
                for (var at = 0; at < Math.Min(heap.Count, WeighedForAge); at++)
                {
                    var young = heap[heap.Count - 1 - at];
                    if (young.Parent!.IsDegraded || OldestBelow(depth, young.Slots) is not { } old)
                        continue;
                    var share = 1 - ((double)AgeOf(young) / AgeOf(old));
                    var gain = (share * SizeOf(young)) - (WorthAnAge * (young.ChildCount + old.ChildCount + 2));
                    if (share >= LeastShare && gain > bestGain && !young.IsWithin(old))
                        (best, bestGain) = ((old, young), gain);
                }
            }
        }

        if (best is var (elder, junior))
            Exchange(elder, junior, nowMs);
    }

    /// <summary>In arrivals since it came, which needs no clock and tells a crowd that came together from those who have seen it come.</summary>
    private uint AgeOf(Peer peer) => _nextOrder - peer.Order;

    private Peer? OldestBelow(int depth, int slots)
    {
        Peer? oldest = null;
        for (var below = depth + 1; below <= depth + LevelsBelow; below++)
        {
            for (var ranks = _relays.RanksAt(below) & ~PlaceIndex.Below(Math.Min(2 * slots, PlaceIndex.TopRank)); ranks != 0; ranks &= ranks - 1)
            {
                if (_relays.At(below, PlaceIndex.Lowest(ranks))[0] is { IsDegraded: false } found && found.Slots >= slots && (oldest is null || found.Order < oldest.Order))
                    oldest = found;
            }
        }

        return oldest;
    }
}
