using Beacon.Topology.Grpc;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>
/// Makes sure that every live stream has an owner: after a replica is lost, a stream whose edges are lost too would else stay live for
/// ever. What is listed and is no stream any more is taken off the list.
/// </summary>
internal sealed class LiveStreamSweeper(
    StreamCalls streams, StreamStore store, IOptions<TopologyOptions> options, TimeProvider clock, ILogger<LiveStreamSweeper> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.SweepSeconds), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await SweepAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var streamId in (await store.ListLiveAsync()).Take(options.Value.MaxLiveStreams))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var reply = await streams.TryAsync(streamId, grain => grain.Get());
                if (reply.Refusal == Refusal.UnknownStream)
                    await store.RemoveLiveAsync(streamId);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.SweepFailed(log, exception);
        }
    }
}
