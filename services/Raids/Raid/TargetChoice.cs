namespace Beacon.Raids.Raid;

/// <summary>A live stream, and what decides whether it may be a target.</summary>
/// <param name="IsLeaving">It has a raid of its own under way and will end.</param>
/// <param name="CoolsDown">The source raided this channel a short time ago.</param>
public sealed record Candidate(RaidTarget Stream, ChannelRules Rules, bool IsLeaving = false, bool CoolsDown = false);

/// <summary>Whose audience looks for a target.</summary>
/// <param name="Viewers">The size of the audience.</param>
/// <param name="Rules">The source channel's own: nobody is sent to a channel that it blocks.</param>
public sealed record RaidSource(string StreamId, string Channel, int Viewers, ChannelRules Rules, string? LastTargetChannel);

/// <summary>
/// Draws the target of a raid for which the broadcaster named none. Always excluded: the source itself and every stream of the
/// source's channel, channels that do not accept this raid or that the source blocks, streams that are about to end in a raid of their
/// own, pairs that cool down. Wanted: spare capacity, and another channel than last time. When nothing is left the wishes are given up
/// one after the other: first the last target is allowed again, then spare capacity is no longer required (the newcomers bring uplink
/// of their own, or wait in the target's queue), which is still better than sending the audience nowhere.
/// </summary>
public static class TargetChoice
{
    /// <summary>Weights are integers, so that the same draw gives the same target on every machine.</summary>
    private const double WeightScale = 1_000_000;

    /// <summary>The streams of the strictest rule that leaves any, in the order given.</summary>
    public static IReadOnlyList<Candidate> Eligible(IReadOnlyList<Candidate> live, RaidSource source)
    {
        List<Candidate> willing = [.. live.Where(candidate => IsAllowed(candidate, source))];
        List<Candidate> roomy = [.. willing.Where(candidate => candidate.Stream.SpareSlots > 0)];
        List<Candidate> fresh = [.. roomy.Where(candidate => candidate.Stream.Channel != source.LastTargetChannel)];
        return fresh.Count > 0 ? fresh : roomy.Count > 0 ? roomy : willing;
    }

    /// <summary>The rules that are never given up.</summary>
    public static bool IsAllowed(Candidate candidate, RaidSource source) =>
        candidate.Stream.StreamId != source.StreamId
        && candidate.Stream.Channel != source.Channel
        && !candidate.IsLeaving
        && !candidate.CoolsDown
        && !source.Rules.Blocked.Contains(candidate.Stream.Channel, StringComparer.Ordinal)
        && candidate.Rules.Refuses(source.Channel, source.Viewers) is null;

    /// <summary>One of the weighted streams, or null when there is none.</summary>
    /// <param name="bits">64 uniformly distributed bits; the whole choice is a function of the arguments.</param>
    public static WeightedTarget? Draw(IReadOnlyList<WeightedTarget> among, ulong bits)
    {
        if (among.Count == 0)
            return null;
        var total = among.Sum(stream => stream.Weight);
        // The high half of the product maps 64 random bits to [0, total) with a bias below total / 2^64.
        var point = (long)Math.BigMul(bits, (ulong)total, out _);
        foreach (var stream in among)
        {
            point -= stream.Weight;
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
    public static long Weight(Candidate candidate, RaidSource source, WeightRules rules)
    {
        if (rules.Weighting == TargetWeighting.Uniform)
            return 1;
        var weight = WeightScale / Math.Sqrt(1.0 + Math.Max(0, candidate.Stream.Viewers));
        if (source.Rules.Tags.Intersect(candidate.Rules.Tags, StringComparer.Ordinal).Any())
            weight *= rules.TagFactor;
        if (source.Rules.Language.Length > 0 && source.Rules.Language == candidate.Rules.Language)
            weight *= rules.LanguageFactor;
        return Math.Max(1, (long)Math.Round(weight));
    }
}
