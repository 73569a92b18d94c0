using System.Buffers.Text;
using System.Text;
using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Life;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Beacon.Raids;

/// <summary>The RPCs of <c>beacon.raids.v1</c>; here those about live streams.</summary>
internal sealed partial class RaidsGrpc(
    StreamDirectory directory, DirectoryFeed feed, TargetFinder targets, RaidStore raids, RaidCommands commands, SettingsStore settings, AutoHosting hosting,
    StreamHandover handover, IHostApplicationLifetime lifetime)
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
        var search = Search(request.Query, request.Tag, request.Language, request.SquadAccountId);
        var (streams, lastRank) = await directory.ListAsync(after, request.PageSize == 0 ? DefaultPageSize : (int)request.PageSize, search);
        return new ListStreamsResponse
        {
            Streams = { streams.Select(Summary) },
            NextPageToken = lastRank is null ? "" : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(lastRank)),
        };
    }

    [AllowAnonymous]
    public override async Task WatchStreams(WatchStreamsRequest request, IServerStreamWriter<WatchStreamsResponse> responseStream, ServerCallContext context)
    {
        var search = Search(request.Query, request.Tag, request.Language, "");
        // Before the list is read, so that no change falls in between; one that is told twice is the same again.
        using var watch = feed.Begin() ?? throw RaidsErrors.TooManyWatchers.Exception();
        // A call without an end would keep the process from stopping.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var told = new HashSet<string>(StringComparer.Ordinal);
        string? after = "";
        while (after is not null)
        {
            (var page, after) = await directory.ListAsync(after, MaxPageSize, search);
            foreach (var stream in page)
            {
                told.Add(stream.StreamId);
                await responseStream.WriteAsync(new WatchStreamsResponse { Live = Summary(stream) }, over.Token);
            }
        }

        await responseStream.WriteAsync(new WatchStreamsResponse { Complete = true }, over.Token);
        try
        {
            await foreach (var change in watch.Changes.ReadAllAsync(over.Token))
            {
                if (change.Live is { } live && search.Fits(live))
                {
                    told.Add(change.StreamId);
                    await responseStream.WriteAsync(new WatchStreamsResponse { Live = Summary(live) }, over.Token);
                }
                else if (told.Remove(change.StreamId))
                {
                    await responseStream.WriteAsync(new WatchStreamsResponse { GoneStreamId = change.StreamId }, over.Token);
                }
            }
        }
        catch (WatcherTooSlowException)
        {
            throw RaidsErrors.WatcherTooSlow.Exception();
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The caller has seen enough, or goes on with another replica.
        }
    }

    private static StreamSummary Summary(StreamEntry stream) => new()
    {
        StreamId = stream.StreamId,
        Channel = stream.Channel,
        Title = stream.Title,
        BroadcasterAccountId = stream.BroadcasterAccountId,
        StartedAt = Timestamp.FromDateTimeOffset(stream.StartedAt),
        Viewers = (uint)stream.Viewers,
        SpareSlots = (uint)stream.SpareSlots,
        Tags = { stream.Tags.Split(StreamEntry.Separator, StringSplitOptions.RemoveEmptyEntries) },
        Language = stream.Language,
        SquadAccountIds = { stream.Squad.Split(StreamEntry.Separator, StringSplitOptions.RemoveEmptyEntries) },
    };

    private static StreamSearch Search(string query, string tag, string language, string squadAccountId)
    {
        var search = new StreamSearch(query.Trim(), tag, language, squadAccountId);
        return search.IsPlausible ? search : throw RaidsErrors.InvalidSearch.Exception();
    }

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
