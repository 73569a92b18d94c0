using System.Runtime.CompilerServices;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Candidate = Beacon.Raids.Raid.Candidate;

namespace Beacon.Raids.Life;

/// <summary>A drawn target, and how it came about.</summary>
internal sealed record Selection(RaidTarget? Target, IReadOnlyList<TargetDraw> Draws);

/// <summary>
/// Finds where an audience goes. The directory proposes, the pure choice decides, and Topology has the last word: a target that is
/// not live any more is taken out and the next one is drawn.
/// </summary>
internal sealed class TargetFinder(
    StreamDirectory directory,
    RaidStore raids,
    SettingsStore settings,
    TopologyService.TopologyServiceClient topology,
    Randomness randomness,
    RaidsMetrics metrics,
    IOptions<RaidsOptions> options,
    ILogger<TargetFinder> log)
{
    private WeightRules Weights => new(options.Value.Weighting, options.Value.TagWeightFactor, options.Value.LanguageWeightFactor);

    /// <summary>A live stream as its owner knows it; null when there is none of this id.</summary>
    public async Task<LiveStream?> LookUpAsync(string streamId, CancellationToken cancellationToken)
    {
        if (!StreamIds.IsPlausible(streamId))
            return null;
        try
        {
            return (await topology.GetStreamAsync(new GetStreamRequest { StreamId = streamId }, cancellationToken: cancellationToken)).Stream;
        }
        catch (RpcException exception) when (Fault.ReasonOf(exception) == CommonErrors.UnknownStream.Reason)
        {
            return null;
        }
    }

    /// <summary>The target that the broadcaster named, when it takes this audience; otherwise the precise reason why not.</summary>
    /// <param name="isNamedBefore">A raid there is under way already; what it brought about is no obstacle to itself.</param>
    public async Task<RaidTarget> NamedAsync(LiveStream source, string targetStreamId, bool isNamedBefore, CancellationToken cancellationToken)
    {
        if (targetStreamId == source.StreamId)
            throw RaidsErrors.RaidToItself.Exception();
        var target = await LookUpAsync(targetStreamId, cancellationToken) ?? throw RaidsErrors.UnknownRaidTarget.Exception();
        if (target.Channel == source.Channel)
            throw RaidsErrors.RaidToItself.Exception();
        var rules = await settings.GetAsync(target.Channel);
        var viewers = (int)Math.Min(source.Viewers, int.MaxValue);
        switch (rules.Refuses(source.Channel, viewers))
        {
            case RaidRefusal.Closed:
                throw RaidsErrors.RaidNotAccepted.Exception($"The channel {target.Channel} accepts no raids.");
            case RaidRefusal.Blocked:
                throw RaidsErrors.RaidNotAccepted.Exception($"The channel {target.Channel} does not accept raids of {source.Channel}.");
            case RaidRefusal.NotFollowed:
                throw RaidsErrors.RaidNotAccepted.Exception($"The channel {target.Channel} accepts raids of the channels that it follows only.");
            case RaidRefusal.TooFewViewers:
                throw RaidsErrors.RaidAudienceOutOfRange.Exception($"The channel {target.Channel} accepts raids of {rules.MinViewers} viewers and more; there are {viewers}.");
            case RaidRefusal.TooManyViewers:
                throw RaidsErrors.RaidAudienceOutOfRange.Exception($"The channel {target.Channel} accepts raids of at most {rules.MaxViewers} viewers; there are {viewers}.");
        }

        if (!target.BroadcasterConnected || await raids.RunningAsync(targetStreamId) is not null)
            throw RaidsErrors.RaidTargetLeaving.Exception();
        if (!isNamedBefore && (await raids.CoolDownAsync(source.Channel, [target.Channel]))[0])
            throw RaidsErrors.RaidCoolDown.Exception();
        return ToTarget(target);
    }

    /// <summary>True while the target of a raid under way can still take its audience.</summary>
    public async Task<bool> IsFitAsync(RaidRecord raid, CancellationToken cancellationToken) =>
        raid.Target is { } target
        && await LookUpAsync(target.StreamId, cancellationToken) is { BroadcasterConnected: true }
        && await raids.RunningAsync(target.StreamId) is null
        && (await settings.GetAsync(target.Channel)).Refuses(raid.SourceChannel, raid.Viewers) is null;

    /// <summary>A target drawn at random; null when no other stream takes the audience.</summary>
    /// <param name="exclude">Streams that are no choice: the target that is no longer fit, the parts of a split that are taken.</param>
    public async Task<Selection> DrawnAsync(RaidRecord raid, IReadOnlyCollection<string> exclude, CancellationToken cancellationToken)
    {
        var source = new RaidSource(
            raid.SourceStreamId, raid.SourceChannel, raid.Viewers, await settings.GetAsync(raid.SourceChannel), await raids.LastTargetAsync(raid.SourceChannel));
        List<Candidate> pool = [.. (await CandidatesAsync(raid.SourceChannel)).Where(candidate => !exclude.Contains(candidate.Stream.StreamId))];
        List<TargetDraw> draws = [];
        List<WeightedTarget> list = [];
        List<DrawStep> steps = [];
        RaidTarget? full = null;
        var index = raid.DrawsMade;
        for (var check = 0; check < options.Value.MaxTargetChecks; check++)
        {
            var among = TargetChoice.Eligible(pool, source);
            List<WeightedTarget> left = [.. among.Select(candidate => new WeightedTarget(candidate.Stream.StreamId, TargetChoice.Weight(candidate, source, Weights)))];
            if (check == 0 || !list.Select(stream => stream.StreamId).ToHashSet(StringComparer.Ordinal).IsSupersetOf(left.Select(stream => stream.StreamId)))
            {
                // All that fulfilled the wishes fell out. One that is full by now is as good as those that were full before.
                if (full is not null)
                    break;
                Close();
                list = left;
            }

            if (TargetChoice.Draw(left, DrawProof.Bits(raid.Seed, index)) is not { } drawn)
                break;
            var candidate = among.First(candidate => candidate.Stream.StreamId == drawn.StreamId);
            pool.Remove(candidate);
            var (fresh, verdict) = await CheckAsync(candidate, cancellationToken);
            steps.Add(new DrawStep(index++, drawn.StreamId, verdict));
            if (verdict == "taken")
            {
                Close();
                return new Selection(fresh, draws);
            }

            full ??= fresh;
        }

        Close();
        return new Selection(full, draws);

        void Close()
        {
            if (steps.Count > 0)
                draws.Add(new TargetDraw(list, steps));
            steps = [];
        }
    }

    /// <summary>More targets for an audience that one cannot take, those with the most room first.</summary>
    public async IAsyncEnumerable<PlanTarget> LargestAsync(
        RaidRecord raid, IReadOnlyCollection<string> exclude, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var own = await settings.GetAsync(raid.SourceChannel);
        var roomy = (await CandidatesAsync(raid.SourceChannel))
            .Where(candidate => candidate.Stream.SpareSlots > 0 && !exclude.Contains(candidate.Stream.StreamId))
            // A part of an audience is as small as the target wants it.
            .Select(candidate => (Candidate: candidate, Most: candidate.Rules.MaxViewers, Free: candidate with { Rules = candidate.Rules with { MaxViewers = 0 } }))
            .Where(choice => TargetChoice.IsAllowed(choice.Free, new RaidSource(raid.SourceStreamId, raid.SourceChannel, raid.Viewers, own, null)))
            .OrderByDescending(choice => choice.Candidate.Stream.SpareSlots)
            .ThenBy(choice => choice.Candidate.Stream.StreamId, StringComparer.Ordinal)
            .Take(options.Value.MaxTargetChecks);
        foreach (var (candidate, most, _) in roomy)
        {
            if (await CheckAsync(candidate, cancellationToken) is ({ } fresh, "taken"))
                yield return new PlanTarget(fresh, most);
        }
    }

    /// <summary>A target of a raid as it is now; as it was last seen when it is gone.</summary>
    public async Task<RaidTarget> RefreshAsync(RaidTarget target, CancellationToken cancellationToken) =>
        await LookUpAsync(target.StreamId, cancellationToken) is { } live ? ToTarget(live) : target;

    /// <summary>The live streams that may take part in a draw, a uniform sample when there are very many.</summary>
    public async Task<IReadOnlyList<Candidate>> CandidatesAsync(string fromChannel)
    {
        var pool = TargetChoice.Sample(await directory.RanksAsync(), options.Value.CandidatePoolSize, () => randomness());
        var streams = await directory.ReadAsync(pool);
        List<string> channels = [.. streams.Select(stream => stream.Channel)];
        var rules = await settings.GetAsync(channels);
        var leaving = await raids.AreRunningAsync([.. streams.Select(stream => stream.StreamId)]);
        var cooling = await raids.CoolDownAsync(fromChannel, channels);
        return [.. streams.Select((stream, index) => new Candidate(stream.ToTarget(), rules[index], leaving[index], cooling[index]))];
    }

    private async Task<(RaidTarget? Fresh, string Verdict)> CheckAsync(Candidate candidate, CancellationToken cancellationToken)
    {
        var live = await LookUpAsync(candidate.Stream.StreamId, cancellationToken);
        if (live is null)
        {
            metrics.TargetGone();
            Log.DrawnTargetGone(log, candidate.Stream.StreamId);
            await directory.ForgetAsync(candidate.Stream.StreamId, candidate.Stream.Channel);
            return (null, "gone");
        }

        // A broadcaster that is away may not come back; its own audience is in doubt already.
        if (!live.BroadcasterConnected)
            return (null, "away");
        var fresh = ToTarget(live);
        return (fresh, fresh.SpareSlots > 0 || candidate.Stream.SpareSlots <= 0 ? "taken" : "full");
    }

    private static RaidTarget ToTarget(LiveStream stream) => StreamEntry.Of(stream).ToTarget() with { BitrateKbps = (int)Math.Min(stream.BitrateKbps, int.MaxValue) };
}
