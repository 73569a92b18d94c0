using Beacon.Raids.Life;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Microsoft.Extensions.Options;

namespace Beacon.Raids.Channels;

/// <summary>A channel as a visitor finds it.</summary>
/// <param name="Live">Its live stream.</param>
/// <param name="Host">Where it sends its visitors while it has none.</param>
/// <param name="HostReason"><c>raid</c> or <c>auto_host</c>.</param>
internal sealed record ChannelView(StreamEntry? Live, StreamEntry? Host, string HostReason);

/// <summary>
/// Where the visitors of an offline channel go: for some time where its last raid took the audience, then where its owner points them. A
/// hosted channel that is offline is asked for its own hosts in turn.
/// </summary>
internal sealed class AutoHosting(
    StreamDirectory directory, SettingsStore settings, RaidStore raids, TargetFinder targets, Randomness randomness, IOptions<RaidsOptions> options, TimeProvider clock)
{
    /// <summary>How many channels one question may lead through.</summary>
    private const int MaxVisited = 64;

    /// <summary>How far the hosts of hosts are followed when a list is set; longer chains cannot be walked by a visitor either.</summary>
    private const int MaxChecked = 512;

    /// <summary>Null when nobody knows the channel.</summary>
    public async Task<ChannelView?> ViewAsync(string channel)
    {
        if (await LiveAsync(channel) is { } live)
            return new ChannelView(live, null, "");
        if (await RaidedAsync(channel) is { } raided)
            return new ChannelView(null, raided, "raid");
        var rules = await settings.FindAsync(channel);
        if (rules is null && !await directory.WasLiveAsync(channel))
            return null;
        var host = rules is null ? null : await HostAsync(channel, rules);
        return new ChannelView(null, host, host is null ? "" : "auto_host");
    }

    /// <summary>Refuses a list whose channels host this one in turn.</summary>
    public async Task RefuseLoopAsync(string channel, IReadOnlyList<string> hosts)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<string> ring = [.. hosts];
        while (ring.Count > 0 && seen.Count < MaxChecked)
        {
            if (ring.Contains(channel, StringComparer.Ordinal))
                throw RaidsErrors.AutoHostLoop.Exception();
            List<string> next = [.. ring.Where(seen.Add)];
            ring = [.. (await settings.GetAsync(next)).Where(rules => rules.Hosting != HostMode.Off).SelectMany(rules => rules.HostChannels).Distinct(StringComparer.Ordinal)];
        }
    }

    private async Task<StreamEntry?> RaidedAsync(string channel)
    {
        var (latest, _) = await raids.HistoryAsync(channel, "", 5);
        var raid = latest.FirstOrDefault(raid => raid.SourceChannel == channel && raid.State is RaidState.Moving or RaidState.Done);
        var since = clock.GetUtcNow() - TimeSpan.FromSeconds(options.Value.RaidMemorySeconds);
        return raid?.Target is { } target && raid.MovesAt >= since ? await directory.FindAsync(target.StreamId) : null;
    }

    private async Task<StreamEntry?> HostAsync(string channel, ChannelRules rules)
    {
        if (rules is { Hosting: HostMode.Random, HostChannels.Count: 0 })
            return await AnyAsync(channel, rules);
        var seen = new HashSet<string>([channel], StringComparer.Ordinal);
        var open = new Stack<string>(InOrder(rules).Reverse());
        while (open.TryPop(out var next) && seen.Count < MaxVisited)
        {
            if (!seen.Add(next))
                continue;
            var theirs = await settings.GetAsync(next);
            if (theirs.Blocked.Contains(channel, StringComparer.Ordinal))
                continue;
            if (await LiveAsync(next) is { } live)
                return live;
            foreach (var further in InOrder(theirs).Reverse())
                open.Push(further);
        }

        return null;
    }

    private async Task<StreamEntry?> AnyAsync(string channel, ChannelRules rules)
    {
        var source = new RaidSource("", channel, 0, rules, null);
        var weights = new WeightRules(options.Value.Weighting, options.Value.TagWeightFactor, options.Value.LanguageWeightFactor);
        var among = (await targets.CandidatesAsync(channel))
            .Select(candidate => candidate with { CoolsDown = false, Rules = candidate.Rules with { MinViewers = 0 } })
            .Where(candidate => TargetChoice.IsAllowed(candidate, source))
            .Select(candidate => new WeightedTarget(candidate.Stream.StreamId, TargetChoice.Weight(candidate, source, weights)))
            .ToList();
        return TargetChoice.Draw(among, randomness()) is { } drawn ? await directory.FindAsync(drawn.StreamId) : null;
    }

    private IReadOnlyList<string> InOrder(ChannelRules rules) => rules.Hosting switch
    {
        HostMode.List => rules.HostChannels,
        HostMode.Random => Shuffled(rules.HostChannels),
        _ => [],
    };

    /// <summary>A sample that leaves one out, and the one: <see cref="TargetChoice.Sample"/> leaves a list as it is when all of it fits.</summary>
    private List<string> Shuffled(IReadOnlyList<string> list)
    {
        var most = TargetChoice.Sample(list, Math.Max(0, list.Count - 1), () => randomness());
        return [.. most, .. list.Except(most, StringComparer.Ordinal)];
    }

    private async Task<StreamEntry?> LiveAsync(string channel) =>
        await directory.LiveOnAsync(channel) is { } streamId ? await directory.FindAsync(streamId) : null;
}
