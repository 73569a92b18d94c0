using System.Globalization;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;

namespace Beacon.Raids.Streams;

/// <summary>A live stream as the directory knows it.</summary>
/// <param name="Tags">Lower case, with <see cref="Separator"/> between them.</param>
/// <param name="Language">A BCP 47 tag, or empty.</param>
/// <param name="Squad">The accounts of the squad, with <see cref="Separator"/> between them.</param>
internal sealed record StreamEntry(
    string StreamId,
    string Channel,
    string Title,
    string BroadcasterAccountId,
    DateTimeOffset StartedAt,
    int Viewers,
    int SpareSlots,
    string Tags = "",
    string Language = "",
    string Squad = "")
{
    /// <summary>Between tags, and between the accounts of a squad; neither has one in it.</summary>
    public const char Separator = ',';

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

    public string Rank() => Rank(StreamId, Viewers);

    /// <summary>As the channel's settings describe it.</summary>
    public StreamEntry With(ChannelRules rules) => this with { Tags = string.Join(Separator, rules.Tags), Language = rules.Language };

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

/// <summary>Names of channels come from outside and become parts of keys.</summary>
internal static class ChannelNames
{
    public const int MaxLength = 128;

    public static bool IsPlausible(string text) => text.Length is > 0 and <= MaxLength;
}
