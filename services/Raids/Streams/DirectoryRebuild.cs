using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Life;
using Grpc.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Raids.Streams;

/// <summary>
/// Brings the directory in line with Topology at every start and now and then afterwards: facts that were published while Raids was away,
/// that were lost with a broker, or that an emptied Redis forgot, are not repeated on the bus.
/// </summary>
internal sealed class DirectoryRebuild(
    StreamDirectory directory,
    LedgerService.LedgerServiceClient ledger,
    SettingsStore settings,
    RaidStore raids,
    TopologyEdgeService.TopologyEdgeServiceClient topology,
    IOptions<RaidsOptions> options,
    TimeProvider clock,
    ILogger<DirectoryRebuild> log) : BackgroundService, IHealthCheck
{
    private volatile bool _isDone;

    /// <summary>Not ready before it knows what is live: an empty directory would be a wrong answer.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_isDone ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the directory is not rebuilt from Topology yet"));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retry = TimeSpan.FromMilliseconds(options.Value.RebuildRetryMs);
        var again = TimeSpan.FromSeconds(options.Value.DirectoryCompareSeconds);
        while (true)
            await Task.Delay(await TryRebuildAsync(stoppingToken) ? again : retry, clock, stoppingToken);
    }

    private async Task<bool> TryRebuildAsync(CancellationToken stop)
    {
        try
        {
            await RebuildAsync(stop);
            _isDone = true;
            return true;
        }
        catch (Exception exception) when (exception is RpcException or RedisException or TimeoutException && !stop.IsCancellationRequested)
        {
            Log.RebuildPostponed(log, exception is RpcException rpc ? rpc.StatusCode.ToString() : exception.GetType().Name);
            return false;
        }
    }

    private async Task RebuildAsync(CancellationToken stop)
    {
        // Read before Topology is asked: what starts in between is in neither and must not be forgotten.
        var known = await directory.RanksAsync();
        var answer = await topology.ListLiveStreamsAsync(new ListLiveStreamsRequest(), cancellationToken: stop);
        foreach (var stream in answer.Streams)
        {
            await raids.CommitSeedAsync(stream.Channel);
            var wasKnown = await directory.FindAsync(stream.StreamId) is not null;
            await directory.SeenAsync(StreamEntry.Of(stream).With(await settings.GetAsync(stream.Channel)));
            if (!wasKnown)
                await ReadSquadAsync(stream.StreamId, stop);
        }

        var forgotten = 0;
        // A full answer may be a cut one; then nothing can be said of what it lacks.
        if (answer.Streams.Count < StreamDirectory.MaxStreams)
        {
            var live = answer.Streams.Select(stream => stream.StreamId).ToHashSet(StringComparer.Ordinal);
            foreach (var stream in await directory.ReadAsync([.. known.Where(rank => !live.Contains(StreamEntry.StreamIdOf(rank)))]))
                forgotten += await directory.ForgetAsync(stream.StreamId, stream.Channel) ? 1 : 0;
        }

        Log.DirectoryRebuilt(log, answer.Streams.Count, forgotten);
    }

    /// <summary>What changed while nobody listened. The directory does without it when the Ledger is away.</summary>
    private async Task ReadSquadAsync(string streamId, CancellationToken stop)
    {
        try
        {
            var squad = await ledger.GetSquadAsync(new GetSquadRequest { StreamId = streamId }, cancellationToken: stop);
            if (squad.Version > 0)
                await directory.SquadAsync(streamId, (long)squad.Version, squad.Members.Select(member => member.AccountId));
        }
        catch (RpcException exception) when (!stop.IsCancellationRequested)
        {
            Log.SquadUnknown(log, streamId, exception.StatusCode.ToString());
        }
    }
}
