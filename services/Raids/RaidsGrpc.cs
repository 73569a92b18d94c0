using System.Buffers.Text;
using System.Text;
using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Beacon.Raids;

/// <summary>The RPCs of <c>beacon.raids.v1</c>.</summary>
internal sealed class RaidsGrpc(StreamDirectory directory, TargetFinder targets, RaidStore raids, StreamEnding ending)
    : Contracts.Raids.V1.RaidsService.RaidsServiceBase
{
    private const int DefaultPageSize = 50;
    private const int MaxPageSize = 200;

    [AllowAnonymous]
    public override async Task<ListStreamsResponse> ListStreams(ListStreamsRequest request, ServerCallContext context)
    {
        if (request.PageSize > MaxPageSize)
            throw CommonErrors.InvalidPageSize.Exception($"page_size is {request.PageSize}; 1 to {MaxPageSize}, or 0 for {DefaultPageSize}.");
        var after = ParseToken(request.PageToken);
        var (streams, lastRank) = await directory.ListAsync(after, request.PageSize == 0 ? DefaultPageSize : (int)request.PageSize);
        return new ListStreamsResponse
        {
            Streams =
            {
                streams.Select(stream => new StreamSummary
                {
                    StreamId = stream.StreamId,
                    Channel = stream.Channel,
                    Title = stream.Title,
                    BroadcasterAccountId = stream.BroadcasterAccountId,
                    StartedAt = Timestamp.FromDateTimeOffset(stream.StartedAt),
                    Viewers = (uint)stream.Viewers,
                    SpareSlots = (uint)stream.SpareSlots,
                }),
            },
            NextPageToken = lastRank is null ? "" : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(lastRank)),
        };
    }

    [Authorize]
    public override async Task<EndStreamResponse> EndStream(EndStreamRequest request, ServerCallContext context)
    {
        var caller = Caller.Of(context);
        var source = await targets.LookUpAsync(request.StreamId, context.CancellationToken);
        if (source is null)
            return await FormerOutcomeAsync(request.StreamId, caller) ?? throw CommonErrors.UnknownStream.Exception();
        if (source.BroadcasterAccountId != caller.AccountId)
            throw CommonErrors.NotYourStream.Exception();
        return Answer(await ending.EndAsync(source, request.RaidTarget, context.CancellationToken));
    }

    /// <summary>The stream is over. The broadcaster who asks again, because an answer was lost, gets the same one.</summary>
    private async Task<EndStreamResponse?> FormerOutcomeAsync(string streamId, Caller caller) =>
        StreamIds.IsPlausible(streamId) && await raids.FindAsync(streamId) is { } raid && raid.BroadcasterAccountId == caller.AccountId
            ? Answer(raid)
            : null;

    private static EndStreamResponse Answer(RaidRecord raid) => raid.Target is { } target
        ? new EndStreamResponse { RaidId = raid.RaidId, TargetStreamId = target.StreamId, Viewers = (uint)raid.Viewers }
        : new EndStreamResponse();

    private static string ParseToken(string token)
    {
        if (token.Length == 0)
            return "";
        Span<byte> bytes = stackalloc byte[256];
        if (token.Length > bytes.Length || !Base64Url.IsValid(token) || !Base64Url.TryDecodeFromChars(token, bytes, out var length))
            throw CommonErrors.InvalidPageToken.Exception();
        var rank = Encoding.UTF8.GetString(bytes[..length]);
        return StreamEntry.IsRank(rank) ? rank : throw CommonErrors.InvalidPageToken.Exception();
    }
}
