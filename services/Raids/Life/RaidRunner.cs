using System.Collections.Concurrent;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.ServiceDefaults;
using Grpc.Core;
using MassTransit;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Fault = Beacon.ServiceDefaults.Fault;

namespace Beacon.Raids.Life;

/// <summary>
/// Carries raids on, from their records alone: it looks at what is due, asks <see cref="RaidMachine"/> for the next step, and takes it.
/// Before a step that others can see it takes a lease in the record; a process that dies leaves a lease that runs out, and another one goes
/// on where the record stands. A write that was overtaken is refused, so each state is reached once.
/// </summary>
internal sealed class RaidRunner(
    RaidStore raids,
    TargetFinder targets,
    RaidMover mover,
    TopologyEdgeService.TopologyEdgeServiceClient topology,
    IBus bus,
    RaidsMetrics metrics,
    IOptions<RaidsOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<RaidRunner> log) : BackgroundService
{
    /// <summary>Steps of one raid without a pause; more would be a defect.</summary>
    private const int MaxSteps = 64;

    /// <summary>How long a caller waits for an audience to be told; well below the deadline of a call.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan OtherOwnerPause = TimeSpan.FromMilliseconds(100);

    private readonly string _me = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<string, Lazy<Task<RaidRecord?>>> _running = new(StringComparer.Ordinal);
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RaidMachine Machine => new(
        TimeSpan.FromSeconds(options.Value.TargetCheckSeconds),
        TimeSpan.FromSeconds(options.Value.GiveUpSeconds),
        TimeSpan.FromSeconds(options.Value.PlaceAheadSeconds),
        options.Value.JoinsPerSecond);

    private TimeSpan Lease => TimeSpan.FromSeconds(options.Value.LeaseSeconds);

    private TimeSpan StepTimeout => TimeSpan.FromSeconds(options.Value.EndTimeoutSeconds);

    /// <summary>There is something new to wait for.</summary>
    public void Wake() => Volatile.Read(ref _wake).TrySetResult();

    /// <summary>Takes a recorded raid as far as it goes now: to its end, or into its countdown.</summary>
    public async Task<RaidRecord> CarryOutAsync(RaidRecord raid, CancellationToken cancellationToken)
    {
        // The run has a bound of its own for each step, which comes first.
        using var timeout = new CancellationTokenSource(2 * StepTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (true)
            {
                var run = RunAsync(raid.RaidId);
                if (await Task.WhenAny(run, Task.Delay(Patience, clock, either.Token)) != run
                    && await raids.FindAsync(raid.RaidId) is { State: RaidState.Moving, IsTold: false } moving)
                {
                    // A large audience is on its way, which takes its time.
                    return moving;
                }

                var after = await run.WaitAsync(either.Token);
                if (after is null || after.IsFinal || after is { State: RaidState.Countdown } && after.MovesAt > clock.GetUtcNow())
                    return after ?? raid;
                // Another replica has it.
                await Task.Delay(OtherOwnerPause, clock, either.Token);
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw CommonErrors.ServiceUnavailable.Exception();
        }
        catch (Exception exception) when (IsPassing(exception))
        {
            Log.RaidPostponed(log, raid.RaidId, exception.GetType().Name);
            throw CommonErrors.ServiceUnavailable.Exception();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _wake, wake);
            var pause = TimeSpan.FromMilliseconds(options.Value.PollMs);
            try
            {
                foreach (var raidId in await raids.DueAsync(clock.GetUtcNow()))
                {
                    if (_running.Count < options.Value.MaxRaidsAtOnce)
                        _ = RunInBackgroundAsync(raidId);
                }

                if (await raids.NextDueAsync() - clock.GetUtcNow() is { } next && next < pause && next > TimeSpan.Zero)
                    pause = next;
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                Log.RaidsUnreadable(log, exception.GetType().Name);
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(wake.Task, Task.Delay(pause, clock, either.Token));
            await either.CancelAsync();
        }
    }

    private async Task RunInBackgroundAsync(string raidId)
    {
        try
        {
            await RunAsync(raidId);
        }
        catch (Exception exception) when (IsPassing(exception) || exception is OperationCanceledException)
        {
            Log.RaidPostponed(log, raidId, exception.GetType().Name);
        }
    }

    /// <summary>One run of a raid in this process; who comes meanwhile waits for the same.</summary>
    private Task<RaidRecord?> RunAsync(string raidId) =>
        _running.GetOrAdd(raidId, id => new Lazy<Task<RaidRecord?>>(() => RunOnceAsync(id))).Value;

    private async Task<RaidRecord?> RunOnceAsync(string raidId)
    {
        // A caller that hangs up does not stop half-way what viewers were told.
        using var timeout = new CancellationTokenSource(StepTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, lifetime.ApplicationStopping);
        try
        {
            for (var step = 0; step < MaxSteps; step++)
            {
                timeout.CancelAfter(StepTimeout);
                if (await raids.FindAsync(raidId) is not { } raid)
                {
                    await raids.ForgetDueAsync(raidId);
                    return null;
                }

                if (raid.IsFinal)
                    return raid;
                if (raid.Owner != _me && raid.LeaseUntil > clock.GetUtcNow())
                    return raid;
                if (await StepAsync(raid, timeout, stop.Token))
                    return await raids.FindAsync(raidId);
            }

            return await raids.FindAsync(raidId);
        }
        catch (Exception exception) when (IsPassing(exception) || stop.IsCancellationRequested && exception is RpcException or OperationCanceledException)
        {
            await ReleaseAsync(raidId);
            if (IsPassing(exception))
                throw;
            throw CommonErrors.ServiceUnavailable.Exception();
        }
        finally
        {
            _running.TryRemove(raidId, out _);
        }
    }

    /// <summary>A step came to nothing, but its process lives: nobody has to wait for the lease to run out.</summary>
    private async Task ReleaseAsync(string raidId)
    {
        try
        {
            if (await raids.FindAsync(raidId) is { IsFinal: false } raid && raid.Owner == _me)
                await raids.SaveAsync(raid, raid with { Owner = "", LeaseUntil = default }, clock.GetUtcNow() + TimeSpan.FromMilliseconds(options.Value.PollMs));
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            // Then the lease runs out.
            Log.RaidsUnreadable(log, exception.GetType().Name);
        }
    }

    /// <summary>Takes one step; true when nothing is left to do for now.</summary>
    private async Task<bool> StepAsync(RaidRecord raid, CancellationTokenSource timeout, CancellationToken stop)
    {
        var live = raid.State == RaidState.Moving ? null : await targets.LookUpAsync(raid.SourceStreamId, stop);
        var source = live is null || !RaidCommands.IsOfThisLife(raid, live) ? SourceCondition.Gone : live.BroadcasterConnected ? SourceCondition.Live : SourceCondition.Away;
        if (raid is { State: RaidState.Proposed or RaidState.Countdown, IsPlaced: false } && live is not null)
            raid = raid with { Viewers = (int)Math.Min(live.Viewers, int.MaxValue) };
        var isFit = raid is { State: RaidState.Proposed or RaidState.Countdown, IsUnwanted: false } && await targets.IsFitAsync(raid, stop);
        var now = clock.GetUtcNow();
        var step = Machine.Next(raid, now, source, isFit);
        if (step.Action == RaidAction.Wait)
            return await raids.SaveAsync(raid, raid with { Owner = "", LeaseUntil = default }, step.Until) is not null;
        if (step.Action == RaidAction.Nothing)
            return true;
        var claimed = await raids.SaveAsync(raid, raid with { Owner = _me, LeaseUntil = now + Lease }, now + Lease);
        if (claimed is null)
            return false;
        raid = claimed;
        switch (step.Action)
        {
            case RaidAction.Select:
                await SelectAsync(raid, stop);
                break;
            case RaidAction.Announce:
                await PublishAnnouncementAsync(raid, raid.Target!, stop);
                await raids.SaveAsync(raid, raid.Announce(), now);
                Log.RaidAnnounced(log, raid.RaidId, raid.SourceStreamId, raid.Target!.StreamId);
                break;
            case RaidAction.Reprieve:
                await raids.SaveAsync(raid, raid with { SourceEndsAt = null }, now);
                break;
            case RaidAction.Place:
                await PlaceAsync(raid, timeout, stop);
                break;
            case RaidAction.Move:
                await MoveAsync(raid, timeout, stop);
                break;
            case RaidAction.EndOnly:
                await EndAtTopologyAsync(raid, stop);
                await FinishAsync(raid, raid.Cancel(raid.Reason.Length > 0 ? raid.Reason : RaidReasons.NotWanted, clock.GetUtcNow()), stop);
                break;
            case RaidAction.Forget:
                await raids.SaveAsync(raid, raid.Cancel(RaidReasons.BroadcasterReturned, clock.GetUtcNow()), now);
                break;
            case RaidAction.FailSourceEnded:
                await FinishAsync(raid, raid.Fail(RaidReasons.SourceEnded, clock.GetUtcNow()), stop);
                break;
            case RaidAction.GiveUp:
                await FinishAsync(raid, raid.Fail(RaidReasons.TimedOut, clock.GetUtcNow()), stop);
                break;
        }

        return false;
    }

    private async Task SelectAsync(RaidRecord raid, CancellationToken stop)
    {
        var seed = raid.Seed.Length > 0 ? raid.Seed : await raids.NextSeedAsync(raid.SourceChannel);
        var selection = await targets.DrawnAsync(raid with { Seed = seed }, raid.Target is { } former ? [former.StreamId] : [], stop);
        if (selection.Target is not { } target)
        {
            if (raid.EndsStream)
                await EndAtTopologyAsync(raid, stop);
            await FinishAsync(raid, raid.Fail(RaidReasons.NoTarget, clock.GetUtcNow()), stop);
            return;
        }

        var aimed = await raids.SaveAsync(raid, raid.Aim(target, selection.Draws) with { Seed = seed }, raid.LeaseUntil);
        if (aimed is { State: RaidState.Countdown } && aimed.MovesAt > clock.GetUtcNow())
            await PublishAnnouncementAsync(aimed, target, stop);
    }

    private async Task PlaceAsync(RaidRecord raid, CancellationTokenSource timeout, CancellationToken stop)
    {
        var shares = await mover.ShareAsync(raid, stop);
        if (await raids.SaveAsync(raid, raid.Place(shares), raid.LeaseUntil) is not { } placing)
            return;
        if (await mover.PlaceAsync(placing, GoOnAsync, stop) is { } placed)
            await raids.SaveAsync(placed, placed with { IsPlaced = true }, clock.GetUtcNow());

        // A cancel is not to wait for the lease: what is placed after it has to be taken out again.
        async Task<RaidRecord?> GoOnAsync(RaidRecord sending) =>
            await raids.FindAsync(sending.RaidId) is { } stored && stored.Version == sending.Version ? await KeepAsync(sending, timeout) : null;
    }

    private async Task MoveAsync(RaidRecord raid, CancellationTokenSource timeout, CancellationToken stop)
    {
        if (raid.State != RaidState.Moving)
        {
            var shares = raid.IsPlaced ? raid.Shares : await mover.ShareAsync(raid, stop);
            // Here it is decided whether a cancel was in time.
            if (await raids.SaveAsync(raid, raid.Move(shares), raid.LeaseUntil) is not { } moving)
                return;
            raid = moving;
            await raids.NoteMoveAsync(raid);
            Log.RaidLaunched(log, raid.RaidId, raid.Viewers, raid.SourceStreamId, raid.Target!.StreamId);
        }

        if (!raid.IsTold)
        {
            if (await mover.SendAsync(raid, sending => KeepAsync(sending, timeout), stop) is not { } sent)
                return;
            var until = clock.GetUtcNow() + Lease;
            if (await raids.SaveAsync(sent, sent with { IsTold = true, LeaseUntil = until }, until) is not { } told)
                return;
            raid = told;
        }

        await EndAtTopologyAsync(raid, stop);
        await FinishAsync(raid, raid.Complete(clock.GetUtcNow()), stop);
    }

    /// <summary>Between two batches: the lease goes on, and so does the time that one step may take.</summary>
    private async Task<RaidRecord?> KeepAsync(RaidRecord sending, CancellationTokenSource timeout)
    {
        timeout.CancelAfter(StepTimeout);
        var now = clock.GetUtcNow();
        return sending.LeaseUntil - now > Lease / 2 ? sending : await raids.SaveAsync(sending, sending with { LeaseUntil = now + Lease }, now + Lease);
    }

    private async Task FinishAsync(RaidRecord raid, RaidRecord final, CancellationToken stop)
    {
        final = final with { Declined = await raids.DeclinesAsync(raid.RaidId) };
        if (await raids.SaveAsync(raid, final, final.FinishedAt!.Value) is null)
            return;
        metrics.Ended(final);
        if (final.State != RaidState.Done)
            Log.RaidNotMade(log, final.RaidId, final.SourceStreamId, final.State, final.Reason);
        if (raid.State == RaidState.Countdown)
            await bus.Publish(new RaidCancelled(final.RaidId, final.SourceStreamId, final.Reason), stop);
    }

    private Task PublishAnnouncementAsync(RaidRecord raid, RaidTarget target, CancellationToken stop) =>
        bus.Publish(new RaidAnnounced(raid.RaidId, raid.SourceStreamId, target.StreamId, target.Channel, target.Title, raid.Viewers, raid.MovesAt), stop);

    private async Task EndAtTopologyAsync(RaidRecord raid, CancellationToken stop)
    {
        var reason = raid.Origin == RaidOrigin.BroadcasterLost ? "broadcaster_lost" : "ended";
        try
        {
            await topology.EndStreamAsync(new EndStreamRequest { StreamId = raid.SourceStreamId, Reason = reason }, cancellationToken: stop);
        }
        catch (RpcException exception) when (Fault.ReasonOf(exception) == CommonErrors.UnknownStream.Reason)
        {
            // It has ended already, which is what was asked for.
        }
    }

    /// <summary>What the next attempt may not meet again.</summary>
    private static bool IsPassing(Exception exception) =>
        exception is RedisException or TimeoutException or MassTransitException
        || exception is RpcException rpc && (Fault.ReasonOf(rpc) is null || Fault.ReasonOf(rpc) == CommonErrors.ServiceUnavailable.Reason);
}
