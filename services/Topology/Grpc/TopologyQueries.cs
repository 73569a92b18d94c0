using System.Globalization;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Contract = Beacon.Contracts.Topology.V1.TopologyService;

namespace Beacon.Topology.Grpc;

/// <summary>What anybody may ask of a live stream.</summary>
[AllowAnonymous]
internal sealed class TopologyQueries(StreamCalls streams) : Contract.TopologyServiceBase
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
        var offset = 0;
        if (request.PageToken.Length > 0 && (!int.TryParse(request.PageToken, NumberStyles.None, CultureInfo.InvariantCulture, out offset) || offset < 1))
            throw CommonErrors.InvalidPageToken.Exception();
        var stripe = Stripe(request.Stripe);
        var tree = await streams.CallAsync(Known(request.StreamId), grain => grain.GetTree(stripe, pageSize, offset));
        return new GetTreeResponse
        {
            StreamId = request.StreamId,
            Stripe = request.Stripe,
            Version = (ulong)tree.Version,
            Peers = { tree.Peers.Select(Place) },
            NextPageToken = tree.HasMore ? (offset + pageSize).ToString(CultureInfo.InvariantCulture) : "",
            Quality = new TreeQuality
            {
                MeanDepth = tree.MeanDepth,
                IdealMeanDepth = tree.IdealMeanDepth,
                MaxDepth = (uint)tree.MaxDepth,
                IdealMaxDepth = (uint)tree.IdealMaxDepth,
            },
            WaitingPeerIds = { tree.Waiting },
        };
    }

    public override async Task<ExplainPeerResponse> ExplainPeer(ExplainPeerRequest request, ServerCallContext context)
    {
        var stripe = Stripe(request.Stripe);
        var explained = await streams.CallAsync(Known(request.StreamId), grain => grain.Explain(request.PeerId, stripe));
        return new ExplainPeerResponse
        {
            Peer = Place(explained.Place),
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

    private static TreePeer Place(PlaceView place) => new()
    {
        PeerId = place.PeerId,
        ParentPeerId = place.ParentId ?? "",
        StandbyPeerId = place.StandbyId ?? "",
        Depth = (uint)Math.Max(0, place.Depth),
        Slots = (uint)place.Slots,
        Children = (uint)place.Children,
        UplinkMbps = place.UplinkMbps,
        LatencyMs = place.LatencyMs,
        Health = place.Depth < 0 ? PeerHealth.Orphaned : place.IsDegraded ? PeerHealth.Degraded : PeerHealth.Good,
    };

    /// <summary>What is no stream id names no stream: to who asks in public the two are one.</summary>
    private static string Known(string streamId) =>
        Guid.TryParseExact(streamId, "D", out _) && !streamId.Any(char.IsUpper) ? streamId : throw CommonErrors.UnknownStream.Exception();

    private static int Stripe(uint stripe) => stripe <= 255 ? (int)stripe : throw TopologyErrors.InvalidStripe.Exception();
}
