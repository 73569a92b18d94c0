using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Beacon.Raids;

/// <summary>
/// Finds where an audience goes. The directory proposes, the pure choice decides, and Topology has the last word: a target that is
/// not live any more is taken out and the next one is drawn.
/// </summary>
internal sealed class TargetFinder(
    StreamDirectory directory,
    RaidStore raids,
    TopologyService.TopologyServiceClient topology,
    Randomness randomness,
    RaidsMetrics metrics,
    IOptions<RaidsOptions> options,
    ILogger<TargetFinder> log)
{
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

    /// <summary>The target that the broadcaster named.</summary>
    public async Task<RaidTarget> NamedAsync(LiveStream source, string targetStreamId, CancellationToken cancellationToken)
    {
        if (targetStreamId == source.StreamId)
            throw RaidsErrors.RaidToItself.Exception();
        var target = await LookUpAsync(targetStreamId, cancellationToken) ?? throw RaidsErrors.UnknownRaidTarget.Exception();
        if (target.Channel == source.Channel)
            throw RaidsErrors.RaidToItself.Exception();
        return StreamEntry.Of(target).ToTarget();
    }

    /// <summary>A target drawn at random; null when no other stream is live.</summary>
    public async Task<RaidTarget?> DrawnAsync(LiveStream source, CancellationToken cancellationToken)
    {
        var pool = TargetChoice.Sample(await directory.RanksAsync(), options.Value.CandidatePoolSize, () => randomness());
        List<RaidTarget> candidates = [.. (await directory.ReadAsync(pool)).Select(stream => stream.ToTarget())];
        List<RaidTarget> seen = [];
        var lastTarget = await raids.LastTargetAsync(source.Channel);
        for (var check = 0; check < options.Value.MaxTargetChecks; check++)
        {
            var drawn = Draw(candidates);
            if (drawn is null || seen.Contains(drawn))
                return drawn;
            candidates.Remove(drawn);
            var live = await LookUpAsync(drawn.StreamId, cancellationToken);
            if (live is null)
            {
                metrics.TargetGone();
                Log.DrawnTargetGone(log, drawn.StreamId);
                await directory.ForgetAsync(drawn.StreamId);
                continue;
            }

            // A broadcaster that is away may not come back; its own audience is in doubt already.
            if (!live.BroadcasterConnected)
                continue;
            var fresh = StreamEntry.Of(live).ToTarget();
            if (fresh.SpareSlots > 0 || drawn.SpareSlots <= 0)
                return fresh;
            // Full by now. It stays in the draw, where streams with room come first.
            candidates.Add(fresh);
            seen.Add(fresh);
        }

        return Draw(seen);

        RaidTarget? Draw(List<RaidTarget> among) =>
            TargetChoice.Draw(among, source.StreamId, source.Channel, lastTarget, options.Value.Weighting, randomness());
    }
}
