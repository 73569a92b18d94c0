using System.Globalization;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Raids.Streams;

/// <summary>
/// The live streams, in Redis: a hash a stream and one index in the order of the list. Every change is one script, so that the
/// index and the hashes agree whatever the order in which facts arrive; repeating a change changes nothing.
/// </summary>
internal sealed class StreamDirectory(IConnectionMultiplexer redis, IOptions<RaidsOptions> options)
{
    /// <summary>More live streams than Topology lists, so that the whole index can be read.</summary>
    public const int MaxStreams = 10_000;

    // KEYS index, stream, ended. ARGV started, channel, title, account, viewers, spare, rank, 1 = the audience is known.
    // An end is newer than every fact about the life that it ended, but not than a later life of the same id (a resumed stream).
    private const string PutScript = """
        local ended = redis.call('GET', KEYS[3])
        if ended then
          if tonumber(ARGV[1]) <= tonumber(ended) then return 0 end
          redis.call('DEL', KEYS[3])
        end
        redis.call('HSET', KEYS[2], 'started', ARGV[1], 'channel', ARGV[2], 'title', ARGV[3], 'account', ARGV[4])
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if rank and ARGV[8] == '0' then
          redis.call('ZADD', KEYS[1], 0, rank)
          return 1
        end
        if rank then redis.call('ZREM', KEYS[1], rank) end
        redis.call('HSET', KEYS[2], 'viewers', ARGV[5], 'spare', ARGV[6], 'rank', ARGV[7])
        redis.call('ZADD', KEYS[1], 0, ARGV[7])
        return 1
        """;

    // KEYS index, stream. ARGV viewers, spare, rank.
    private const string AudienceScript = """
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if not rank then return 0 end
        redis.call('ZREM', KEYS[1], rank)
        redis.call('HSET', KEYS[2], 'viewers', ARGV[1], 'spare', ARGV[2], 'rank', ARGV[3])
        redis.call('ZADD', KEYS[1], 0, ARGV[3])
        return 1
        """;

    // KEYS index, stream, ended. ARGV ended, milliseconds to remember.
    private const string EndScript = """
        local started = redis.call('HGET', KEYS[2], 'started')
        if started and tonumber(started) > tonumber(ARGV[1]) then return 0 end
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if rank then redis.call('ZREM', KEYS[1], rank) end
        redis.call('DEL', KEYS[2])
        redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
        return 1
        """;

    // KEYS index, stream.
    private const string ForgetScript = """
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if not rank then return 0 end
        redis.call('ZREM', KEYS[1], rank)
        redis.call('DEL', KEYS[2])
        return 1
        """;

    private IDatabase Database => redis.GetDatabase();

    /// <summary>A stream is live. What is known of its audience stays; a new stream has nobody yet and at least the root's slot.</summary>
    public Task<bool> StartedAsync(StreamEntry stream) => PutAsync(stream with { Viewers = 0, SpareSlots = 1 }, audienceKnown: false);

    /// <summary>A stream is live, seen at its owner with its audience.</summary>
    public Task<bool> SeenAsync(StreamEntry stream) => PutAsync(stream, audienceKnown: true);

    /// <summary>The audience of a stream changed. Unknown streams are ignored: their next window tells again.</summary>
    public Task<bool> AudienceAsync(string streamId, int viewers, int spareSlots) => RunAsync(
        AudienceScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(streamId)],
        [viewers, spareSlots, StreamEntry.Rank(streamId, viewers)]);

    /// <summary>A stream ended; late facts about it are ignored from now on.</summary>
    public Task<bool> EndedAsync(string streamId, DateTimeOffset at) => RunAsync(
        EndScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(streamId), DirectoryKeys.Ended(streamId)],
        [at.ToUnixTimeMilliseconds(), options.Value.EndedMemorySeconds * 1000L]);

    /// <summary>Takes out a stream that its owner does not know; should it be live after all, its next fact puts it back.</summary>
    public Task<bool> ForgetAsync(string streamId) =>
        RunAsync(ForgetScript, [DirectoryKeys.Index, DirectoryKeys.Stream(streamId)], []);

    /// <summary>The ranks of all live streams, most viewers first.</summary>
    public async Task<IReadOnlyList<string>> RanksAsync() =>
        [.. (await Database.SortedSetRangeByRankAsync(DirectoryKeys.Index, 0, MaxStreams - 1)).Select(rank => (string)rank!)];

    /// <summary>One page, most viewers first, and the rank of its last stream when more follow.</summary>
    /// <param name="afterRank">The last rank of the page before; empty for the first.</param>
    public async Task<(IReadOnlyList<StreamEntry> Streams, string? LastRank)> ListAsync(string afterRank, int count)
    {
        var ranks = await Database.SortedSetRangeByValueAsync(
            DirectoryKeys.Index,
            min: afterRank.Length == 0 ? RedisValue.Null : afterRank,
            max: RedisValue.Null,
            Exclude.Start,
            Order.Ascending,
            skip: 0,
            take: count + 1);
        var page = ranks.Take(count).Select(rank => (string)rank!).ToList();
        return (await ReadAsync(page), ranks.Length > count ? page[^1] : null);
    }

    /// <summary>The streams that stand at these ranks; those that are gone since are left out.</summary>
    public async Task<IReadOnlyList<StreamEntry>> ReadAsync(IReadOnlyList<string> ranks)
    {
        var database = Database;
        var hashes = await Task.WhenAll(ranks.Select(async rank =>
        {
            var streamId = StreamEntry.StreamIdOf(rank);
            return (streamId, fields: await database.HashGetAllAsync(DirectoryKeys.Stream(streamId)));
        }));
        return [.. hashes.Where(hash => hash.fields.Length > 0).Select(hash => Parse(hash.streamId, hash.fields))];
    }

    private Task<bool> PutAsync(StreamEntry stream, bool audienceKnown) => RunAsync(
        PutScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(stream.StreamId), DirectoryKeys.Ended(stream.StreamId)],
        [
            stream.StartedAt.ToUnixTimeMilliseconds(),
            stream.Channel,
            stream.Title,
            stream.BroadcasterAccountId,
            stream.Viewers,
            stream.SpareSlots,
            StreamEntry.Rank(stream.StreamId, stream.Viewers),
            audienceKnown ? "1" : "0",
        ]);

    private async Task<bool> RunAsync(string script, RedisKey[] keys, RedisValue[] values) =>
        (long)await Database.ScriptEvaluateAsync(script, keys, values) == 1;

    private static StreamEntry Parse(string streamId, HashEntry[] fields)
    {
        var hash = fields.ToDictionary(field => (string)field.Name!, field => field.Value, StringComparer.Ordinal);
        return new StreamEntry(
            streamId,
            (string)hash["channel"]!,
            (string)hash["title"]!,
            (string)hash["account"]!,
            DateTimeOffset.FromUnixTimeMilliseconds(long.Parse((string)hash["started"]!, CultureInfo.InvariantCulture)),
            (int)hash["viewers"],
            (int)hash["spare"]);
    }
}
