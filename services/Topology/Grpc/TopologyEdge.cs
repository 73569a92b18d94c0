using System.Collections.Concurrent;
using System.Diagnostics;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Grpc;

/// <summary>What the edges ask of the owners of streams.</summary>
[Authorize(Policy = Authentication.ServicePolicy)]
internal sealed class TopologyEdge(StreamCalls streams, StreamStore store, IOptions<TopologyOptions> options) : TopologyEdgeService.TopologyEdgeServiceBase
{
    /// <summary>Live streams asked at once by one list call.</summary>
    private const int ConcurrentAsks = 64;

    public override async Task<StartStreamResponse> StartStream(StartStreamRequest request, ServerCallContext context)
    {
        var streamId = Requests.StreamId(request.StreamId);
        var command = Requests.Start(request) with { Traceparent = Activity.Current is { Recorded: true } call ? call.Id : null };
        var reply = await streams.TryAsync(streamId, grain => grain.Start(command));
        if (reply.Refusal == Refusal.ChannelAlreadyLive)
        {
            await EndFormer(reply.Holder!, command);
            reply = await streams.TryAsync(streamId, grain => grain.Start(command));
        }

        return reply.Refusal == Refusal.None
            ? new StartStreamResponse { Stream = StreamCalls.ToMessage(reply.Value!) }
            : throw StreamCalls.Error(reply.Refusal).Exception();
    }

    public override async Task<JoinStreamResponse> JoinStream(JoinStreamRequest request, ServerCallContext context)
    {
        var stream = await streams.JoinAsync(Requests.StreamId(request.StreamId), Requests.Join(request));
        return new JoinStreamResponse { Stream = StreamCalls.ToMessage(stream) };
    }

    public override async Task<LeaveStreamResponse> LeaveStream(LeaveStreamRequest request, ServerCallContext context)
    {
        if (request.PeerIds.Count > Requests.MaxBatch)
            throw TopologyErrors.InvalidBatch.Exception();
        var leave = new LeaveCommand([request.PeerId, .. request.PeerIds], request.EdgeId);
        var refusal = await streams.TryLeaveAsync(Requests.StreamId(request.StreamId), leave);
        // Who leaves what is over has left.
        return refusal is Refusal.None or Refusal.UnknownStream
            ? new LeaveStreamResponse()
            : throw StreamCalls.Error(refusal).Exception();
    }

    public override async Task<JoinStreamsResponse> JoinStreams(JoinStreamsRequest request, ServerCallContext context)
    {
        if (request.Joins.Count > Requests.MaxBatch)
            throw TopologyErrors.InvalidBatch.Exception();
        var owners = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var results = await Task.WhenAll(request.Joins.Select(join => TryJoin(join, owners)));
        return new JoinStreamsResponse { Results = { results }, Owners = { ToMessage(owners) } };
    }

    public override async Task<LeaveStreamsResponse> LeaveStreams(LeaveStreamsRequest request, ServerCallContext context)
    {
        if (request.Leaves.Count > Requests.MaxBatch)
            throw TopologyErrors.InvalidBatch.Exception();
        foreach (var leave in request.Leaves)
            Requests.StreamId(leave.StreamId);
        var refusals = await Task.WhenAll(request.Leaves.GroupBy(leave => (leave.StreamId, leave.EdgeId)).Select(leaves =>
            streams.TryLeaveAsync(
                leaves.Key.StreamId,
                new LeaveCommand([.. leaves.Select(leave => leave.PeerId)], leaves.Key.EdgeId),
                // They are lost together and healed together: one trace has what came of it.
                leaves.FirstOrDefault(leave => leave.Traceparent.Length > 0)?.Traceparent ?? "")));
        return refusals.FirstOrDefault(refusal => refusal is not (Refusal.None or Refusal.UnknownStream)) is var refused && refused != Refusal.None
            ? throw StreamCalls.Error(refused).Exception()
            : new LeaveStreamsResponse();
    }

    public override async Task<ReportMetricsResponse> ReportMetrics(ReportMetricsRequest request, ServerCallContext context)
    {
        if (request.Reports.Count > Requests.MaxBatch || request.Digests.Count > Requests.MaxBatch)
            throw TopologyErrors.InvalidBatch.Exception();
        var reports = request.Reports.ToLookup(report => report.StreamId, StringComparer.Ordinal);
        var digests = request.Digests.ToLookup(digest => digest.StreamId, StringComparer.Ordinal);
        var streamIds = reports.Select(stream => stream.Key).Union(digests.Select(stream => stream.Key), StringComparer.Ordinal);
        var owners = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var unknown = await Task.WhenAll(streamIds.Select(streamId => Report(streamId, request.EdgeId, [.. reports[streamId]], [.. digests[streamId]], owners)));
        return new ReportMetricsResponse { UnknownPeerIds = { unknown.SelectMany(peers => peers).Distinct() }, Owners = { ToMessage(owners) } };
    }

    public override async Task<EndStreamResponse> EndStream(EndStreamRequest request, ServerCallContext context)
    {
        if (request.Reason is not ("ended" or "broadcaster_lost"))
            throw TopologyErrors.InvalidReason.Exception();
        await streams.CallAsync(Requests.StreamId(request.StreamId), grain => grain.End(request.Reason, accountId: null));
        return new EndStreamResponse();
    }

    public override async Task<ImportAudienceResponse> ImportAudience(ImportAudienceRequest request, ServerCallContext context)
    {
        var arrivals = Requests.Arrivals(request);
        var imported = await streams.CallAsync(Requests.StreamId(request.StreamId), grain => grain.Import(arrivals));
        return new ImportAudienceResponse
        {
            Placed = (uint)imported.Placed,
            Waiting = (uint)imported.Waiting,
            Known = (uint)imported.Known,
            Refused = (uint)imported.Refused,
        };
    }

    public override async Task<PlaceAudienceResponse> PlaceAudience(PlaceAudienceRequest request, ServerCallContext context)
    {
        if (request.PeerIds.Count is 0 or > Requests.MaxBatch)
            throw TopologyErrors.InvalidBatch.Exception();
        if (!Guid.TryParseExact(request.RaidId, "D", out _))
            throw TopologyErrors.InvalidRaidId.Exception();
        var (sourceId, targetId) = (Requests.StreamId(request.SourceStreamId), Requests.StreamId(request.TargetStreamId));
        IReadOnlyList<string> peerIds = [.. request.PeerIds];
        var audience = await streams.CallAsync(sourceId, grain => grain.Audience(peerIds));
        IReadOnlyList<ArrivalCommand> arrivals =
        [
            .. audience.Select(arrival => arrival with
            {
                Peer = arrival.Peer with { PeerId = PlaceOf(arrival.Peer.PeerId) },
                ParentId = arrival.ParentId is null ? null : PlaceOf(arrival.ParentId),
            }),
        ];
        var imported = arrivals.Count == 0 ? new Imported(0, 0, 0, 0) : await streams.CallAsync(targetId, grain => grain.Import(arrivals));
        return new PlaceAudienceResponse
        {
            Placed = (uint)imported.Placed,
            Waiting = (uint)imported.Waiting,
            Known = (uint)imported.Known,
            Refused = (uint)imported.Refused,
            Absent = (uint)(peerIds.Count - arrivals.Count),
        };

        string PlaceOf(string peerId) => RaidPlace.PeerId(request.RaidId, targetId, peerId);
    }

    public override async Task<HandoverResponse> Handover(HandoverRequest request, ServerCallContext context)
    {
        var command = new HandoverCommand(request.PeerId, request.AccountId, Requests.Uplink(request.UplinkMbps), Requests.MaxChildren(request.MaxChildren));
        var stream = await streams.CallAsync(Requests.StreamId(request.StreamId), grain => grain.Handover(command));
        return new HandoverResponse { Stream = StreamCalls.ToMessage(stream) };
    }

    public override async Task<ListLiveStreamsResponse> ListLiveStreams(ListLiveStreamsRequest request, ServerCallContext context)
    {
        var response = new ListLiveStreamsResponse();
        foreach (var some in (await store.ListLiveAsync()).Take(options.Value.MaxLiveStreams).Order(StringComparer.Ordinal).Chunk(ConcurrentAsks))
        {
            var replies = await Task.WhenAll(some.Select(streamId => streams.TryAsync(streamId, grain => grain.Get())));
            response.Streams.AddRange(replies.Where(reply => reply.Refusal == Refusal.None).Select(reply => StreamCalls.ToMessage(reply.Value!)));
        }

        return response;
    }

    private async Task<JoinResult> TryJoin(PeerJoin join, ConcurrentDictionary<string, string> owners)
    {
        try
        {
            var reply = await streams.TryJoinAsync(Requests.StreamId(join.StreamId), Requests.Join(join), join.Traceparent);
            if (reply.Value is { } stream)
                owners[join.StreamId] = stream.Owner;
            return reply.Refusal == Refusal.None
                ? new JoinResult { Stream = StreamCalls.ToMessage(reply.Value!) }
                : Failed(StreamCalls.Error(reply.Refusal).Exception());
        }
        catch (RpcException exception)
        {
            return Failed(exception);
        }
    }

    private static JoinResult Failed(RpcException exception) => new()
    {
        ErrorCode = (int)exception.StatusCode,
        ErrorReason = Fault.ReasonOf(exception) ?? "",
        ErrorMessage = exception.Status.Detail,
        ErrorRetryable = exception.StatusCode is StatusCode.Unavailable,
    };

    /// <summary>An account that starts anew ends what it had; nobody else's stream is touched.</summary>
    private async Task EndFormer(string formerId, StartCommand command)
    {
        var ended = await streams.TryAsync<bool>(formerId, async grain => await grain.End("ended", command.Root.AccountId));
        if (ended.Refusal == Refusal.StreamNotYours)
            throw TopologyErrors.ChannelAlreadyLive.Exception();
        if (ended.Refusal == Refusal.UnknownStream)
            await store.ReleaseChannelAsync(command.Channel, formerId);
        else if (ended.Refusal != Refusal.None)
            throw StreamCalls.Error(ended.Refusal).Exception();
    }

    private static IEnumerable<OwnerAddress> ToMessage(ConcurrentDictionary<string, string> owners) =>
        owners.Where(stream => stream.Value.Length > 0).Select(stream => new OwnerAddress { StreamId = stream.Key, Address = stream.Value });

    private async Task<IEnumerable<string>> Report(string streamId, string edgeId, PeerReport[] reports, RootDigest[] digests, ConcurrentDictionary<string, string> owners)
    {
        var all = reports.Select(report => report.PeerId).Concat(digests.Select(digest => digest.PeerId));
        if (!Guid.TryParseExact(streamId, "D", out _))
            return all;
        var batch = new EdgeReports(
            edgeId,
            [.. reports.Select(Requests.Report).OfType<MetricsOfPeer>()],
            [.. digests.Where(digest => digest.Digest.Length == 32 && digest.Stripe <= 255).Select(digest => new AnnouncedDigest(
                digest.PeerId, (int)digest.Stripe, digest.Sequence, digest.Digest.ToByteArray()))]);
        var reply = await streams.TryAsync(streamId, grain => grain.Report(batch));
        if (reply.Value is { } reported)
            owners[streamId] = reported.Owner;
        return reply.Refusal switch
        {
            Refusal.None => reply.Value!.UnknownPeerIds,
            Refusal.UnknownStream => all,
            // The owner is moving: the next report comes in two seconds.
            _ => [],
        };
    }
}
