using System.Globalization;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;

namespace Beacon.Raids.Streams;

/// <summary>A live stream as the directory knows it.</summary>
internal sealed record StreamEntry(
    string StreamId,
    string Channel,
    string Title,
    string BroadcasterAccountId,
    DateTimeOffset StartedAt,
    int Viewers,
    int SpareSlots)
{
    /// <summary>More viewers than this count as this many in the order of the list.</summary>
    private const int MaxRankedViewers = 9_999_999;

    private const int RankDigits = 7;

    public static StreamEntry Of(LiveStream stream) => new(
        stream.StreamId,
        stream.Channel,
        stream.Title,
        stream.BroadcasterAccountId,
        stream.StartedAt.ToDateTimeOffset(),
        (int)Math.Min(stream.Viewers, int.MaxValue),
        (int)Math.Min(stream.SpareSlots, int.MaxValue));

    public RaidTarget ToTarget() => new(StreamId, Channel, Title, Viewers, SpareSlots);

    /// <summary>
    /// Where the stream stands in the index: text whose order is most viewers first, then by id. A page goes on after the last
    /// one's rank, which stays a valid place when that stream is gone.
    /// </summary>
    public static string Rank(string streamId, int viewers) =>
        string.Create(CultureInfo.InvariantCulture, $"{MaxRankedViewers - Math.Clamp(viewers, 0, MaxRankedViewers):D7}:{streamId}");

    public static bool IsRank(string text) =>
        text.Length is > RankDigits + 1 and <= RankDigits + 1 + StreamIds.MaxLength
        && text[RankDigits] == ':'
        && text.AsSpan(0, RankDigits).IndexOfAnyExceptInRange('0', '9') < 0;

    public static string StreamIdOf(string rank) => rank[(RankDigits + 1)..];
}

/// <summary>Stream ids come from outside and become parts of keys.</summary>
internal static class StreamIds
{
    /// <summary>A UUID has 36 characters; what is longer cannot be an id.</summary>
    public const int MaxLength = 64;

    public static bool IsPlausible(string text) => text.Length is > 0 and <= MaxLength;
}
