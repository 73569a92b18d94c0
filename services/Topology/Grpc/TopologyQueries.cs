using System.Globalization;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Contract = Beacon.Contracts.Topology.V1.TopologyService;

namespace Beacon.Topology.Grpc;

/// <summary>What anybody may ask of a live stream.</summary>
[AllowAnonymous]
internal sealed class TopologyQueries(StreamCalls streams, TreeWatches watches, IHostApplicationLifetime lifetime) : Contract.TopologyServiceBase
{
    private const int DefaultPageSize = 1_000;
    private const int MaxPageSize = 10_000;

    public override async Task<GetStreamResponse> GetStream(GetStreamRequest request, ServerCallContext context) =>
        new() { Stream = StreamCalls.ToMessage(await streams.CallAsync(Known(request.StreamId), grain => grain.Get())) };

    public override async Task<GetTreeResponse> GetTree(GetTreeRequest request, ServerCallContext context)
    {
        if (request.PageSize > MaxPageSize)
            throw CommonErrors.InvalidPageSize.Exception();
        var pageSize = request.PageSize == 0 ? DefaultPageSize : (int)request.PageSize;
        var (offset, after) = PageToken(request.PageToken);
        var stripe = Stripe(request.Stripe);
        var tree = await streams.CallAsync(Known(request.StreamId), grain => grain.GetTree(stripe, pageSize, offset, after));
        return new GetTreeResponse
        {
            StreamId = request.StreamId,
            Stripe = request.Stripe,
            Version = (ulong)tree.Figures.Version,
            Peers = { tree.Peers.Select(TreeMessages.Peer) },
            NextPageToken = tree.HasMore ? string.Create(CultureInfo.InvariantCulture, $"{offset + pageSize}-{tree.Peers[^1].PeerId}") : "",
            Quality = TreeMessages.Quality(tree.Figures),
            WaitingPeerIds = { tree.Waiting },
        };
    }

    public override async Task WatchTree(WatchTreeRequest request, IServerStreamWriter<WatchTreeResponse> responseStream, ServerCallContext context)
    {
        var stripe = Stripe(request.Stripe);
        // A call without an end would keep the process from stopping.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await foreach (var message in watches.WatchAsync(Known(request.StreamId), stripe, over.Token))
                await responseStream.WriteAsync(message, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The caller has seen enough, or goes on with another replica.
        }
    }

    public override async Task<ExplainPeerResponse> ExplainPeer(ExplainPeerRequest request, ServerCallContext context)
    {
        var stripe = Stripe(request.Stripe);
        var explained = await streams.CallAsync(Known(request.StreamId), grain => grain.Explain(request.PeerId, stripe));
        return new ExplainPeerResponse
        {
            Peer = TreeMessages.Peer(explained.Place),
            Reason = explained.Reason,
            DecidedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.FromUnixTimeMilliseconds(explained.DecidedAtMs)),
            Candidates =
            {
                explained.Candidates.Select(candidate => new Candidate
                {
                    PeerId = candidate.PeerId,
                    Depth = (uint)candidate.Depth,
                    SpareSlots = (uint)Math.Max(0, candidate.SpareSlots),
                    SpareUplinkMbps = candidate.SpareUplinkMbps,
                    LatencyMs = candidate.LatencyMs,
                    Chosen = candidate.Chosen,
                    Verdict = candidate.Verdict,
                }),
            },
        };
    }

    /// <summary>How many peers were on former pages, and the last one of them.</summary>
    private static (int Offset, string? AfterPeerId) PageToken(string token)
    {
        if (token.Length == 0)
            return (0, null);
        var dash = token.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && int.TryParse(token.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && offset > 0
            ? (offset, token[(dash + 1)..])
            : throw CommonErrors.InvalidPageToken.Exception();
    }

    /// <summary>What is no stream id names no stream: to who asks in public the two are one.</summary>
    private static string Known(string streamId) =>
        Guid.TryParseExact(streamId, "D", out _) && !streamId.Any(char.IsUpper) ? streamId : throw CommonErrors.UnknownStream.Exception();

    private static int Stripe(uint stripe) => stripe <= 255 ? (int)stripe : throw TopologyErrors.InvalidStripe.Exception();
}
