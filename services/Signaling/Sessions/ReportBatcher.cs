using System.Threading.Channels;
using Beacon.Contracts.Topology.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Collects the reports and digests of this replica for a moment and sends them to Topology in one call: thousands of
/// peers report every two seconds. The counters in a report only grow, so a lost batch costs nothing but time.
/// </summary>
internal sealed class ReportBatcher(
    Edge edge,
    TopologyEdgeService.TopologyEdgeServiceClient topology,
    IOptions<SignalingOptions> options,
    TimeProvider clock,
    ILogger<ReportBatcher> log) : BackgroundService
{
    /// <summary>What Topology takes in one call.</summary>
    private const int MaxBatch = 1_024;

    private readonly Channel<object> _queue = Channel.CreateBounded<object>(
        new BoundedChannelOptions(16 * MaxBatch) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    public void Add(PeerReport report) => _queue.Writer.TryWrite(report);

    public void Add(RootDigest digest) => _queue.Writer.TryWrite(digest);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.ReportBatchMs), clock);
        try
        {
            while (await _queue.Reader.WaitToReadAsync(stoppingToken) && await tick.WaitForNextTickAsync(stoppingToken))
            {
                while (NextBatch() is { } batch)
                    await SendAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next owner of these peers hears the counters from them.
        }
    }

    private ReportMetricsRequest? NextBatch()
    {
        var batch = new ReportMetricsRequest { EdgeId = edge.Id };
        while (batch.Reports.Count < MaxBatch && batch.Digests.Count < MaxBatch && _queue.Reader.TryRead(out var item))
        {
            if (item is PeerReport report)
                batch.Reports.Add(report);
            else
                batch.Digests.Add((RootDigest)item);
        }

        return batch.Reports.Count + batch.Digests.Count > 0 ? batch : null;
    }

    private async Task SendAsync(ReportMetricsRequest batch, CancellationToken cancellation)
    {
        try
        {
            var response = await topology.ReportMetricsAsync(batch, cancellationToken: cancellation);
            foreach (var peerId in response.UnknownPeerIds)
                await RejoinAsync(peerId, cancellation);
        }
        catch (RpcException exception) when (!cancellation.IsCancellationRequested)
        {
            Log.ReportsNotDelivered(log, batch.Reports.Count, exception);
        }
    }

    /// <summary>Topology has lost the peer (an owner that died before its commit, a store that was emptied): the edge knows it and says so again.</summary>
    private async Task RejoinAsync(string peerId, CancellationToken cancellation)
    {
        if (edge.SeatOf(peerId) is not { Rejoin: { } rejoin } seat)
            return;
        try
        {
            await rejoin(cancellation);
            Log.Rejoined(log, peerId, seat.StreamId);
        }
        catch (RpcException exception) when (!cancellation.IsCancellationRequested)
        {
            Log.RejoinFailed(log, peerId, seat.StreamId, exception);
        }
    }
}
