using System.Collections.Concurrent;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.ServiceDefaults;
using Grpc.Core;
using MassTransit;
using Microsoft.Extensions.Options;
using Fault = Beacon.ServiceDefaults.Fault;

namespace Beacon.Raids;

/// <summary>
/// Ends a stream and sends its audience on, once. The raid is recorded before anybody is told, and each step may be repeated: a
/// request that finds a recorded raid goes on where that one stands, so neither two requests at once nor a crash in between gives
/// the audience two targets.
/// </summary>
internal sealed class StreamEnding(
    RaidStore raids,
    TargetFinder targets,
    TopologyEdgeService.TopologyEdgeServiceClient topology,
    IBus bus,
    RaidsMetrics metrics,
    IOptions<RaidsOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<StreamEnding> log)
{
    /// <summary>The wish for no raid, in place of a stream id.</summary>
    public const string NoRaid = "none";

    private readonly ConcurrentDictionary<string, Lazy<Task<RaidRecord>>> _running = new(StringComparer.Ordinal);

    /// <summary>Ends a stream whose owner has been checked.</summary>
    /// <param name="wish">A stream id, empty for a drawn target, or <see cref="NoRaid"/>.</param>
    public async Task<RaidRecord> EndAsync(LiveStream source, string wish, CancellationToken cancellationToken)
    {
        // Refusals come first and belong to this request alone; from then on the requests for one stream share one work.
        var named = wish is "" or NoRaid ? null : await targets.NamedAsync(source, wish, cancellationToken);
        var work = _running.GetOrAdd(source.StreamId, _ => new Lazy<Task<RaidRecord>>(() => CarryOutAsync(source, wish == NoRaid, named)));
        return await work.Value.WaitAsync(cancellationToken);
    }

    private async Task<RaidRecord> CarryOutAsync(LiveStream source, bool unwanted, RaidTarget? named)
    {
        // A caller that hangs up does not stop half-way what viewers were told.
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.EndTimeoutSeconds), clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, lifetime.ApplicationStopping);
        try
        {
            var (raid, isNew) = await RecordAsync(source, unwanted, named, stop.Token);
            if (raid is { State: RaidState.Proposed, Target: { } target })
            {
                await bus.Publish(
                    new RaidLaunched(raid.RaidId, source.StreamId, target.StreamId, target.Channel, target.Title, raid.Viewers, clock.GetUtcNow()),
                    stop.Token);
                raid = raid.Move();
                await raids.SaveAsync(raid);
                await raids.SaveLastTargetAsync(source.Channel, target.Channel);
                Log.RaidLaunched(log, raid.RaidId, raid.Viewers, source.StreamId, target.StreamId);
            }

            await EndAtTopologyAsync(source.StreamId, stop.Token);
            if (raid.State == RaidState.Moving)
            {
                raid = raid.Complete();
                await raids.SaveAsync(raid);
                metrics.Ended(raid);
            }
            else if (isNew)
            {
                metrics.Ended(raid);
                Log.EndedWithoutRaid(log, source.StreamId, raid.State);
            }

            return raid;
        }
        catch (Exception exception) when (stop.IsCancellationRequested && exception is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled or StatusCode.DeadlineExceeded })
        {
            throw CommonErrors.ServiceUnavailable.Exception();
        }
        finally
        {
            // Those who wait hold the task; those who come later read the record.
            _running.TryRemove(source.StreamId, out _);
        }
    }

    private async Task<(RaidRecord Raid, bool IsNew)> RecordAsync(LiveStream source, bool unwanted, RaidTarget? named, CancellationToken cancellationToken)
    {
        var startedAt = source.StartedAt.ToDateTimeOffset().ToUnixTimeMilliseconds();
        var former = await raids.FindAsync(source.StreamId);
        // A record of another life of the same id (a resumed stream) says nothing about this one.
        if (former?.SourceStartedAtUnixMs == startedAt)
            return (former, false);
        var now = clock.GetUtcNow();
        var raid = new RaidRecord(
            Guid.CreateVersion7(now).ToString(),
            source.StreamId,
            source.Channel,
            source.BroadcasterAccountId,
            startedAt,
            RaidState.Proposed,
            unwanted ? null : named ?? await targets.DrawnAsync(source, cancellationToken),
            (int)Math.Min(source.Viewers, int.MaxValue),
            now);
        if (raid.Target is null)
            raid = unwanted ? raid.Cancel() : raid.Fail();
        var recorded = await raids.ProposeAsync(raid, former);
        return (recorded, recorded.RaidId == raid.RaidId);
    }

    private async Task EndAtTopologyAsync(string streamId, CancellationToken cancellationToken)
    {
        try
        {
            await topology.EndStreamAsync(new EndStreamRequest { StreamId = streamId, Reason = "ended" }, cancellationToken: cancellationToken);
        }
        catch (RpcException exception) when (Fault.ReasonOf(exception) == CommonErrors.UnknownStream.Reason)
        {
            // It has ended already, which is what was asked for.
        }
    }
}
