using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using EndStreamRequest = Beacon.Contracts.Raids.V1.EndStreamRequest;
using EndStreamResponse = Beacon.Contracts.Raids.V1.EndStreamResponse;

namespace Beacon.Raids;

/// <summary>The RPCs about raids.</summary>
internal sealed partial class RaidsGrpc
{
    private const int DefaultRaidsPageSize = 20;
    private const int MaxRaidsPageSize = 100;

    [Authorize]
    public override async Task<EndStreamResponse> EndStream(EndStreamRequest request, ServerCallContext context)
    {
        var caller = Caller.Of(context);
        var source = await targets.LookUpAsync(request.StreamId, context.CancellationToken);
        if (source is null)
            return await FormerOutcomeAsync(request.StreamId, caller) ?? throw CommonErrors.UnknownStream.Exception();
        RequireOwner(source, caller);
        return Answer(await commands.EndAsync(
            source, request.RaidTarget, request.HasCountdownSeconds ? request.CountdownSeconds : null, context.CancellationToken));
    }

    [Authorize]
    public override async Task<HandOverStreamResponse> HandOverStream(HandOverStreamRequest request, ServerCallContext context) =>
        await handover.TakeOverAsync(request, Caller.Of(context), context.RequestHeaders.GetValue("authorization") ?? "", context.CancellationToken);

    [Authorize]
    public override async Task<StartRaidResponse> StartRaid(StartRaidRequest request, ServerCallContext context)
    {
        var source = await targets.LookUpAsync(request.FromStreamId, context.CancellationToken) ?? throw CommonErrors.UnknownStream.Exception();
        RequireOwner(source, Caller.Of(context));
        return new StartRaidResponse
        {
            Raid = Summary(await commands.StartAsync(
                source, request.TargetStreamId, request.HasCountdownSeconds ? request.CountdownSeconds : null, context.CancellationToken)),
        };
    }

    [Authorize]
    public override async Task<CancelRaidResponse> CancelRaid(CancelRaidRequest request, ServerCallContext context) =>
        new() { Raid = Summary(await commands.CancelAsync(request.RaidId, Caller.Of(context), context.CancellationToken)) };

    [AllowAnonymous]
    public override async Task<GetRaidResponse> GetRaid(GetRaidRequest request, ServerCallContext context)
    {
        if (!Guid.TryParseExact(request.RaidId, "D", out _) || await raids.FindAsync(request.RaidId) is not { } raid)
            throw RaidsErrors.UnknownRaid.Exception();
        var answer = new GetRaidResponse { Raid = Summary(raid, raid.IsFinal ? 0 : await raids.DeclinesAsync(raid.RaidId)) };
        answer.Draws.AddRange(raid.Draws.Select(draw => new RaidDraw
        {
            Candidates = { draw.Candidates.Select(candidate => new RaidDrawCandidate { StreamId = candidate.StreamId, Weight = candidate.Weight }) },
            Steps = { draw.Steps.Select(step => new RaidDrawStep { Index = (uint)step.Index, StreamId = step.StreamId, Verdict = step.Verdict }) },
        }));
        return answer;
    }

    [AllowAnonymous]
    public override async Task<ListRaidsResponse> ListRaids(ListRaidsRequest request, ServerCallContext context)
    {
        if (request.PageSize > MaxRaidsPageSize)
            throw CommonErrors.InvalidPageSize.Exception($"page_size is {request.PageSize}; 1 to {MaxRaidsPageSize}, or 0 for {DefaultRaidsPageSize}.");
        if (request.PageToken.Length > 0 && !Guid.TryParseExact(request.PageToken, "D", out _))
            throw CommonErrors.InvalidPageToken.Exception();
        if (!ChannelNames.IsPlausible(request.Channel))
            throw RaidsErrors.UnknownChannel.Exception();
        var (found, hasMore) = await raids.HistoryAsync(request.Channel, request.PageToken, request.PageSize == 0 ? DefaultRaidsPageSize : (int)request.PageSize);
        return new ListRaidsResponse
        {
            Raids = { found.Select(raid => Summary(raid)) },
            NextPageToken = hasMore && found.Count > 0 ? found[^1].RaidId : "",
            NextDrawCommitment = await raids.CommitmentAsync(request.Channel) ?? "",
        };
    }

    private static void RequireOwner(LiveStream source, Caller caller)
    {
        if (source.BroadcasterAccountId != caller.AccountId)
            throw CommonErrors.NotYourStream.Exception();
    }

    /// <summary>The stream is over. The broadcaster who asks again, because an answer was lost, gets the same one.</summary>
    private async Task<EndStreamResponse?> FormerOutcomeAsync(string streamId, Caller caller) =>
        StreamIds.IsPlausible(streamId) && await raids.FindOfStreamAsync(streamId) is { } raid && raid.BroadcasterAccountId == caller.AccountId
            ? Answer(raid)
            : null;

    private static EndStreamResponse Answer(RaidRecord raid) => raid.Target is { } target
        ? new EndStreamResponse
        {
            RaidId = raid.RaidId,
            TargetStreamId = target.StreamId,
            Viewers = (uint)raid.Viewers,
            Phase = Phase(raid.State),
            MovesAt = Timestamp.FromDateTimeOffset(raid.MovesAt),
        }
        : new EndStreamResponse { Phase = Phase(raid.State) };

    private static RaidSummary Summary(RaidRecord raid, int declined = 0)
    {
        var summary = new RaidSummary
        {
            RaidId = raid.RaidId,
            FromStreamId = raid.SourceStreamId,
            FromChannel = raid.SourceChannel,
            Phase = Phase(raid.State),
            Reason = raid.Reason,
            Viewers = (uint)raid.Viewers,
            ProposedAt = Timestamp.FromDateTimeOffset(raid.ProposedAt),
            MovesAt = Timestamp.FromDateTimeOffset(raid.MovesAt),
            FinishedAt = raid.FinishedAt is { } finished ? Timestamp.FromDateTimeOffset(finished) : null,
            DrawCommitment = raid.Seed.Length > 0 ? DrawProof.Commitment(raid.Seed) : "",
            DrawSeed = raid.IsFinal ? raid.Seed : "",
            Declined = (uint)(raid.IsFinal ? raid.Declined : declined),
        };
        if (raid.Shares.Count > 0 && raid.Target is not null)
            summary.Targets.AddRange(raid.Shares.Select(share => Destination(share.Target, share.Viewers)));
        else if (raid.Target is { } target)
            summary.Targets.Add(Destination(target, 0));
        return summary;
    }

    private static RaidDestination Destination(RaidTarget target, int viewers) =>
        new() { StreamId = target.StreamId, Channel = target.Channel, Title = target.Title, Viewers = (uint)viewers };

    private static RaidPhase Phase(RaidState state) => state switch
    {
        RaidState.Proposed => RaidPhase.Proposed,
        RaidState.Countdown => RaidPhase.Countdown,
        RaidState.Moving => RaidPhase.Moving,
        RaidState.Done => RaidPhase.Done,
        RaidState.Cancelled => RaidPhase.Cancelled,
        _ => RaidPhase.Failed,
    };
}
