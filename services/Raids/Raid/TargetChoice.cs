namespace Beacon.Raids.Raid;

/// <summary>
/// Draws the target of a raid for which the broadcaster named none. Always excluded: the source itself and every stream of the
/// source's channel. Wanted: spare capacity, and another channel than last time. When nothing is left the wishes are given up one
/// after the other: first the last target is allowed again, then spare capacity is no longer required (the newcomers bring uplink of
/// their own, or wait in the target's queue), which is still better than sending the audience nowhere.
/// </summary>
public static class TargetChoice
{
    /// <summary>Weights are integers, so that the same draw gives the same target on every machine.</summary>
    private const double WeightScale = 1_000_000;

    /// <summary>The streams of the strictest rule that leaves any, in the order given.</summary>
    public static IReadOnlyList<RaidTarget> Eligible(
        IReadOnlyList<RaidTarget> live, string sourceStreamId, string sourceChannel, string? lastTargetChannel)
    {
        List<RaidTarget> others = [.. live.Where(stream => stream.StreamId != sourceStreamId && stream.Channel != sourceChannel)];
        List<RaidTarget> roomy = [.. others.Where(stream => stream.SpareSlots > 0)];
        List<RaidTarget> fresh = [.. roomy.Where(stream => stream.Channel != lastTargetChannel)];
        return fresh.Count > 0 ? fresh : roomy.Count > 0 ? roomy : others;
    }

    /// <summary>One of the eligible streams, or null when there is none.</summary>
    /// <param name="randomness">64 uniformly distributed bits; the whole choice is a function of the arguments.</param>
    public static RaidTarget? Draw(
        IReadOnlyList<RaidTarget> live,
        string sourceStreamId,
        string sourceChannel,
        string? lastTargetChannel,
        TargetWeighting weighting,
        ulong randomness)
    {
        var eligible = Eligible(live, sourceStreamId, sourceChannel, lastTargetChannel);
        if (eligible.Count == 0)
            return null;
        var total = eligible.Sum(stream => Weight(stream, weighting));
        // The high half of the product maps 64 random bits to [0, total) with a bias below total / 2^64.
        var point = (long)Math.BigMul(randomness, (ulong)total, out _);
        foreach (var stream in eligible)
        {
            point -= Weight(stream, weighting);
            if (point < 0)
                return stream;
        }

        throw new System.Diagnostics.UnreachableException("The point lies beyond the sum of the weights.");
    }

    /// <summary>At most <paramref name="size"/> of the items, each with the same chance, in random order (a Fisher-Yates shuffle that stops early).</summary>
    public static IReadOnlyList<T> Sample<T>(IReadOnlyList<T> items, int size, Func<ulong> randomness)
    {
        if (items.Count <= size)
            return items;
        var pool = items.ToArray();
        for (var index = 0; index < size; index++)
        {
            var other = index + (int)Math.BigMul(randomness(), (ulong)(pool.Length - index), out _);
            (pool[index], pool[other]) = (pool[other], pool[index]);
        }

        return pool[..size];
    }

    /// <summary>The relative chance of a stream, at least 1.</summary>
    public static long Weight(RaidTarget stream, TargetWeighting weighting) => weighting switch
    {
        TargetWeighting.Uniform => 1,
        TargetWeighting.SmallFirst => Math.Max(1, (long)Math.Round(WeightScale / Math.Sqrt(1.0 + Math.Max(0, stream.Viewers)))),
        _ => throw new ArgumentOutOfRangeException(nameof(weighting), weighting, "Not a weighting."),
    };
}
