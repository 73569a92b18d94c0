using StackExchange.Redis;

namespace Beacon.Raids.Streams;

/// <summary>The keys of Raids. They share one hash tag, because a script touches several of them and must stay on one shard.</summary>
internal static class DirectoryKeys
{
    private const string Tag = "{raids}";

    /// <summary>A sorted set of ranks, all with score 0, so that it is ordered by their text.</summary>
    public static RedisKey Index { get; } = $"{Tag}:live";

    /// <summary>A hash: channel, title, account, started, viewers, spare, rank.</summary>
    public static RedisKey Stream(string streamId) => $"{Tag}:stream:{streamId}";

    /// <summary>Unix milliseconds of the end, for as long as the end is remembered.</summary>
    public static RedisKey Ended(string streamId) => $"{Tag}:ended:{streamId}";

    /// <summary>The raid of a stream that ends, as JSON.</summary>
    public static RedisKey Raid(string streamId) => $"{Tag}:raid:{streamId}";

    /// <summary>The channel that this channel raided last.</summary>
    public static RedisKey LastTarget(string channel) => $"{Tag}:last:{channel}";
}
