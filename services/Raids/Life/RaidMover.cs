using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Raid;
using Grpc.Core;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Raids.Life;

/// <summary>
/// Sends an audience on: so many viewers at a time as the join budget of their target allows, those that watch through each other together.
/// A plan is not recorded: after a crash it is made again from who is still there, and the edges tell nobody twice. Before viewers move they have
/// places in the target where that can be: the owner of the target takes them in, and they keep their neighbours.
/// </summary>
internal sealed class RaidMover(
    RaidStore raids,
    TargetFinder targets,
    SettingsStore settings,
    TopologyService.TopologyServiceClient topology,
    TopologyEdgeService.TopologyEdgeServiceClient owners,
    IBus bus,
    IOptions<RaidsOptions> options,
    TimeProvider clock,
    ILogger<RaidMover> log)
{
    /// <summary>What one answer of Topology holds at most.</summary>
    private const int TreePageSize = 10_000;

    private const int BatchesPerSecond = 10;

    /// <summary>What Topology takes in one call.</summary>
    private const int PlacesPerCall = 1_024;

    /// <summary>Shorter than any lease, which is renewed after it.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private NewcomerRules Newcomers => new(options.Value.NewcomerSlots, options.Value.UplinkShare);

    private int BatchSize => Math.Max(1, options.Value.JoinsPerSecond / BatchesPerSecond);

    /// <summary>The parts of the audience: one, unless the target has no room for all and others do.</summary>
    public async Task<IReadOnlyList<RaidShare>> ShareAsync(RaidRecord raid, CancellationToken cancellationToken)
    {
        var main = await targets.RefreshAsync(raid.Target!, cancellationToken);
        if (raid.Viewers <= main.SpareSlots || options.Value.MaxTargetsPerRaid == 1)
            return [new RaidShare(main, raid.Viewers)];
        var audience = await AudienceAsync(raid.SourceStreamId, cancellationToken);
        List<PlanTarget> taken = [new(main, (await settings.GetAsync(main.Channel)).MaxViewers)];
        var plan = AudiencePlan.Make(audience, taken, Newcomers);
        if (plan.Waiting > 0)
        {
            await foreach (var other in targets.LargestAsync(raid, [main.StreamId], cancellationToken))
            {
                taken.Add(other);
                plan = AudiencePlan.Make(audience, taken, Newcomers);
                if (plan.Waiting == 0 || taken.Count == options.Value.MaxTargetsPerRaid)
                    break;
            }
        }

        List<RaidShare> others = [.. taken.Zip(plan.Counts).Skip(1).Where(part => part.Second > 0).Select(part => new RaidShare(part.First.Stream, part.Second))];
        // Whoever is not in the plan goes to the main target in the end.
        return [new RaidShare(main, Math.Max(plan.Counts[0], raid.Viewers - others.Sum(share => share.Viewers))), .. others];
    }

    /// <summary>Tells the edges, batch by batch. Null when another process took the raid over.</summary>
    /// <param name="keep">Called between batches; gives the record as it stands, or null.</param>
    public async Task<RaidRecord?> SendAsync(RaidRecord raid, Func<RaidRecord, Task<RaidRecord?>> keep, CancellationToken cancellationToken)
    {
        var current = raid;
        if (raid.IsPlaced)
        {
            // Who has a place goes there, whatever the last word says.
        }
        else if (raid.Shares.Count > 1 || raid.Viewers > BatchSize)
        {
            foreach (var batch in await BatchesAsync(raid, cancellationToken))
            {
                var target = raid.Shares[batch.Target].Target;
                if (await PaceAsync(current, target, batch.PeerIds.Count, keep, cancellationToken) is not { } kept)
                    return null;
                current = kept;
                await TryPlaceAsync(raid, target, batch.PeerIds, cancellationToken);
                await PublishAsync(raid, target, batch.PeerIds, cancellationToken);
            }
        }
        else if (await PaceAsync(current, raid.Target!, raid.Viewers, keep, cancellationToken) is { } kept)
        {
            current = kept;
        }
        else
        {
            return null;
        }

        // Who came after the plan was made, and the broadcaster.
        await PublishAsync(raid, raid.Target!, [], cancellationToken);
        return current;
    }

    /// <summary>
    /// Gives the audience places, batch by batch. Null when somebody else wrote meanwhile, as a cancel does, and when a target takes nobody now. The same
    /// again gives nobody a second place.
    /// </summary>
    public async Task<RaidRecord?> PlaceAsync(RaidRecord raid, Func<RaidRecord, Task<RaidRecord?>> keep, CancellationToken cancellationToken)
    {
        var current = raid;
        foreach (var batch in await BatchesAsync(raid, cancellationToken))
        {
            var target = raid.Shares[batch.Target].Target;
            if (await PaceAsync(current, target, batch.PeerIds.Count, keep, cancellationToken) is not { } kept)
                return null;
            current = kept;
            if (!await TryPlaceAsync(raid, target, batch.PeerIds, cancellationToken))
                return null;
            // Also when the raid was cancelled by now: the edges know, and give the places back.
            await bus.Publish(
                new RaidPrepared(raid.RaidId, raid.SourceStreamId, target.StreamId, target.Channel, target.Title, raid.Viewers, raid.MovesAt, batch.PeerIds),
                cancellationToken);
        }

        return current;
    }

    private async Task<IReadOnlyList<PlannedBatch>> BatchesAsync(RaidRecord raid, CancellationToken cancellationToken)
    {
        // Who declines would only make others move twice.
        var staying = await raids.DeclinersAsync(raid.RaidId);
        List<AudiencePeer> audience = [.. (await AudienceAsync(raid.SourceStreamId, cancellationToken)).Where(peer => !staying.Contains(peer.PeerId))];
        if (audience.Count == 0)
            return [];
        return AudiencePlan.Make(audience, [.. raid.Shares.Select(share => new PlanTarget(share.Target, raid.Shares.Count > 1 ? share.Viewers : 0))], Newcomers)
            .Batches(BatchSize);
    }

    /// <summary>A place ahead is a courtesy: without it a viewer gets one when it joins.</summary>
    private async Task<bool> TryPlaceAsync(RaidRecord raid, RaidTarget target, IReadOnlyList<string> peerIds, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var some in peerIds.Chunk(PlacesPerCall))
            {
                await owners.PlaceAudienceAsync(
                    new PlaceAudienceRequest { RaidId = raid.RaidId, SourceStreamId = raid.SourceStreamId, TargetStreamId = target.StreamId, PeerIds = { some } },
                    cancellationToken: cancellationToken);
            }

            return true;
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotPlaced(log, raid.RaidId, target.StreamId, exception.Status.Detail);
            return false;
        }
    }

    /// <summary>Waits until the target may be joined by so many.</summary>
    private async Task<RaidRecord?> PaceAsync(
        RaidRecord raid, RaidTarget target, int joins, Func<RaidRecord, Task<RaidRecord?>> keep, CancellationToken cancellationToken)
    {
        if (joins == 0)
            return raid;
        var at = await raids.ReserveJoinsAsync(target.StreamId, joins, clock.GetUtcNow());
        RaidRecord? current = raid;
        while (current is not null && at - clock.GetUtcNow() is var pause && pause > TimeSpan.Zero)
        {
            await Task.Delay(pause < LongestPause ? pause : LongestPause, clock, cancellationToken);
            current = await keep(current);
        }

        return current;
    }

    private Task PublishAsync(RaidRecord raid, RaidTarget target, IReadOnlyList<string> peerIds, CancellationToken cancellationToken) => bus.Publish(
        new RaidLaunched(raid.RaidId, raid.SourceStreamId, target.StreamId, target.Channel, target.Title, raid.Viewers, clock.GetUtcNow(), peerIds, raid.IsPlaced),
        cancellationToken);

    /// <summary>The viewers of a stream as its first tree has them, parents before their children.</summary>
    private async Task<IReadOnlyList<AudiencePeer>> AudienceAsync(string streamId, CancellationToken cancellationToken)
    {
        List<AudiencePeer> audience = [];
        var page = new GetTreeRequest { StreamId = streamId, PageSize = TreePageSize };
        do
        {
            var tree = await topology.GetTreeAsync(page, cancellationToken: cancellationToken);
            // The first of all is the broadcaster.
            audience.AddRange(tree.Peers.Skip(page.PageToken.Length == 0 ? 1 : 0)
                .Select(peer => new AudiencePeer(peer.PeerId, peer.ParentPeerId.Length == 0 ? null : peer.ParentPeerId, peer.UplinkMbps)));
            page.PageToken = tree.NextPageToken;
        }
        while (page.PageToken.Length > 0 && audience.Count < options.Value.MaxPlannedViewers);
        return audience;
    }
}
