using System.Runtime.InteropServices;
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
    TopologyReplicas replicas,
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
                while (NextBatches() is { Count: > 0 } batches)
                    await Task.WhenAll(batches.Select(batch => SendAsync(batch.Key, batch.Value, stoppingToken)));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next owner of these peers hears the counters from them.
        }
    }

    /// <summary>What waits, by the replica that owns its streams.</summary>
    private Dictionary<string, ReportMetricsRequest> NextBatches()
    {
        var batches = new Dictionary<string, ReportMetricsRequest>(StringComparer.Ordinal);
        for (var taken = 0; taken < MaxBatch && _queue.Reader.TryRead(out var item); taken++)
        {
            if (item is PeerReport report)
                BatchOf(report.StreamId).Reports.Add(report);
            else if (item is RootDigest digest)
                BatchOf(digest.StreamId).Digests.Add(digest);
        }

        return batches;

        ReportMetricsRequest BatchOf(string streamId)
        {
            ref var batch = ref CollectionsMarshal.GetValueRefOrAddDefault(batches, replicas.OwnerOf(streamId), out _);
            return batch ??= new ReportMetricsRequest { EdgeId = edge.Id };
        }
    }

    private async Task SendAsync(string address, ReportMetricsRequest batch, CancellationToken cancellation)
    {
        try
        {
            var response = await replicas.CallAsync(address, topology => topology.ReportMetricsAsync(batch, cancellationToken: cancellation));
            replicas.Learn(response.Owners);
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
