using System.Globalization;
using StackExchange.Redis;

namespace Beacon.Raids.Streams;

/// <summary>The keys of Raids. They share one hash tag, because a script touches several of them and must stay on one shard.</summary>
internal static class DirectoryKeys
{
    private const string Tag = "{raids}";

    /// <summary>A sorted set of ranks, all with score 0, so that it is ordered by their text.</summary>
    public static RedisKey Index { get; } = $"{Tag}:live";

    /// <summary>A hash: the stream that is live on each channel.</summary>
    public static RedisKey Channels { get; } = $"{Tag}:channels";

    /// <summary>A pub/sub channel of the ids of streams that changed.</summary>
    public static RedisChannel Changes { get; } = RedisChannel.Literal($"{Tag}:changes");

    /// <summary>A hash: the settings of each channel, as JSON.</summary>
    public static RedisKey Settings { get; } = $"{Tag}:settings";

    /// <summary>A hash: the raid that is under way for each source stream.</summary>
    public static RedisKey Running { get; } = $"{Tag}:running";

    /// <summary>A sorted set of the raids under way, by the Unix milliseconds at which they need something.</summary>
    public static RedisKey Due { get; } = $"{Tag}:due";

    /// <summary>A hash: channel, title, account, started, viewers, spare, rank, tags, language, squad.</summary>
    public static RedisKey Stream(string streamId) => $"{Tag}:stream:{streamId}";

    /// <summary>Unix milliseconds of the end, for as long as the end is remembered.</summary>
    public static RedisKey Ended(string streamId) => $"{Tag}:ended:{streamId}";

    /// <summary>A hash: a raid as JSON, and its version.</summary>
    public static RedisKey Raid(string raidId) => $"{Tag}:raid:{raidId}";

    /// <summary>A set of the peers that decline a raid.</summary>
    public static RedisKey Declined(string raidId) => $"{Tag}:declined:{raidId}";

    /// <summary>The id of the latest raid of a stream.</summary>
    public static RedisKey RaidOf(string streamId) => $"{Tag}:raid-of:{streamId}";

    /// <summary>A sorted set of the raids from and to a channel, by the Unix milliseconds of their proposal.</summary>
    public static RedisKey History(string channel) => $"{Tag}:history:{channel}";

    /// <summary>A sorted set of the raids that a channel started a short time ago.</summary>
    public static RedisKey Limit(string channel) => $"{Tag}:limit:{channel}";

    /// <summary>The secret seed of a channel's next raid.</summary>
    public static RedisKey Seed(string channel) => $"{Tag}:seed:{channel}";

    /// <summary>There while a channel may not raid another one again.</summary>
    public static RedisKey CoolDown(string from, string to) =>
        string.Create(CultureInfo.InvariantCulture, $"{Tag}:cool:{from.Length}:{from}:{to}");

    /// <summary>Unix milliseconds from which on the target's join budget is free.</summary>
    public static RedisKey Budget(string streamId) => $"{Tag}:budget:{streamId}";

    /// <summary>The channel that this channel raided last.</summary>
    public static RedisKey LastTarget(string channel) => $"{Tag}:last:{channel}";
}
