using System.Globalization;
using Beacon.Raids.Raid;
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

    /// <summary>How many streams a search reads at once.</summary>
    private const int SearchStep = 256;

    // KEYS index, stream, ended, channels. ARGV started, channel, title, account, viewers, spare, rank, 1 = the audience is known, tags,
    // language, stream id.
    // An end is newer than every fact about the life that it ended, but not than a later life of the same id (a resumed stream), and a later life
    // is newer than every fact about the one before.
    private const string PutScript = """
        local ended = redis.call('GET', KEYS[3])
        if ended then
          if tonumber(ARGV[1]) <= tonumber(ended) then return 0 end
          redis.call('DEL', KEYS[3])
        end
        local known = redis.call('HGET', KEYS[2], 'started')
        if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[2], 'started', ARGV[1], 'channel', ARGV[2], 'title', ARGV[3], 'account', ARGV[4], 'tags', ARGV[9], 'language', ARGV[10])
        redis.call('HSET', KEYS[4], ARGV[2], ARGV[11])
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

    // KEYS index, stream. ARGV viewers, spare, rank, counted at. What was counted before the count that is known tells nothing.
    private const string AudienceScript = """
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if not rank then return 0 end
        if tonumber(redis.call('HGET', KEYS[2], 'counted') or '0') > tonumber(ARGV[4]) then return 0 end
        redis.call('HSET', KEYS[2], 'counted', ARGV[4])
        redis.call('ZREM', KEYS[1], rank)
        redis.call('HSET', KEYS[2], 'viewers', ARGV[1], 'spare', ARGV[2], 'rank', ARGV[3])
        redis.call('ZADD', KEYS[1], 0, ARGV[3])
        return 1
        """;

    // KEYS stream. ARGV field, value, ...
    private const string DescribeScript = """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        for index = 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1]) end
        return 1
        """;

    // KEYS stream. ARGV version, squad.
    private const string SquadScript = """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        if tonumber(redis.call('HGET', KEYS[1], 'squad-version') or '0') >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'squad-version', ARGV[1], 'squad', ARGV[2])
        return 1
        """;

    // KEYS index, stream, ended, channels. ARGV ended, milliseconds to remember, channel, stream id.
    private const string EndScript = """
        local started = redis.call('HGET', KEYS[2], 'started')
        if started and tonumber(started) > tonumber(ARGV[1]) then return 0 end
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if rank then redis.call('ZREM', KEYS[1], rank) end
        redis.call('DEL', KEYS[2])
        if redis.call('HGET', KEYS[4], ARGV[3]) == ARGV[4] then redis.call('HDEL', KEYS[4], ARGV[3]) end
        local ended = redis.call('GET', KEYS[3])
        if not ended or tonumber(ended) < tonumber(ARGV[1]) then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2]) end
        return 1
        """;

    // KEYS index, stream, channels. ARGV channel, stream id.
    private const string ForgetScript = """
        local rank = redis.call('HGET', KEYS[2], 'rank')
        if redis.call('HGET', KEYS[3], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[3], ARGV[1]) end
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
    public Task<bool> AudienceAsync(string streamId, int viewers, int spareSlots, DateTimeOffset countedAt) => ChangeAsync(
        streamId,
        AudienceScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(streamId)],
        [viewers, spareSlots, StreamEntry.Rank(streamId, viewers), countedAt.ToUnixTimeMilliseconds()]);

    /// <summary>The settings of the channel changed. False when the stream is not live.</summary>
    public Task<bool> DescribeAsync(string streamId, ChannelRules rules) => ChangeAsync(
        streamId,
        DescribeScript,
        [DirectoryKeys.Stream(streamId)],
        ["tags", string.Join(StreamEntry.Separator, rules.Tags), "language", rules.Language]);

    /// <summary>Others share the stream's revenue. False when it is not live, or when that was known.</summary>
    public Task<bool> SquadAsync(string streamId, long version, IEnumerable<string> accountIds) =>
        ChangeAsync(streamId, SquadScript, [DirectoryKeys.Stream(streamId)], [version, string.Join(StreamEntry.Separator, accountIds)]);

    /// <summary>A stream ended; late facts about it are ignored from now on.</summary>
    public Task<bool> EndedAsync(string streamId, string channel, DateTimeOffset at) => ChangeAsync(
        streamId,
        EndScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(streamId), DirectoryKeys.Ended(streamId), DirectoryKeys.Channels],
        [at.ToUnixTimeMilliseconds(), options.Value.EndedMemorySeconds * 1000L, channel, streamId]);

    /// <summary>Takes out a stream that its owner does not know; should it be live after all, its next fact puts it back.</summary>
    public Task<bool> ForgetAsync(string streamId, string channel) =>
        ChangeAsync(streamId, ForgetScript, [DirectoryKeys.Index, DirectoryKeys.Stream(streamId), DirectoryKeys.Channels], [channel, streamId]);

    /// <summary>The stream that is live on a channel.</summary>
    public async Task<string?> LiveOnAsync(string channel) => await Database.HashGetAsync(DirectoryKeys.Channels, channel);

    /// <summary>True when the channel went live within the time that such things are remembered.</summary>
    public Task<bool> WasLiveAsync(string channel) => Database.KeyExistsAsync(DirectoryKeys.Seed(channel));

    /// <summary>One live stream, null when it is none.</summary>
    public async Task<StreamEntry?> FindAsync(string streamId) =>
        await Database.HashGetAllAsync(DirectoryKeys.Stream(streamId)) is { Length: > 0 } fields ? Parse(streamId, fields) : null;

    /// <summary>The ranks of all live streams, most viewers first.</summary>
    public async Task<IReadOnlyList<string>> RanksAsync() =>
        [.. (await Database.SortedSetRangeByRankAsync(DirectoryKeys.Index, 0, MaxStreams - 1)).Select(rank => (string)rank!)];

    /// <summary>One page of those that fit, most viewers first, and the rank after which the next one begins; null on the last page.</summary>
    /// <param name="afterRank">Where the page before ended; empty for the first.</param>
    public async Task<(IReadOnlyList<StreamEntry> Streams, string? LastRank)> ListAsync(string afterRank, int count, StreamSearch search)
    {
        List<StreamEntry> found = [];
        while (true)
        {
            var ranks = await Database.SortedSetRangeByValueAsync(
                DirectoryKeys.Index,
                min: afterRank.Length == 0 ? RedisValue.Null : afterRank,
                max: RedisValue.Null,
                Exclude.Start,
                Order.Ascending,
                skip: 0,
                take: (search.IsEmpty ? count : SearchStep) + 1);
            var step = ranks.Take(search.IsEmpty ? count : SearchStep).Select(rank => (string)rank!).ToList();
            var isLast = ranks.Length == step.Count;
            foreach (var stream in (await ReadAsync(step)).Where(search.Fits))
            {
                // The next page begins with this one.
                if (found.Count == count)
                    return (found, found[^1].Rank());
                found.Add(stream);
            }

            if (isLast)
                return (found, null);
            if (search.IsEmpty)
                return (found, step[^1]);
            afterRank = step[^1];
        }
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

    private Task<bool> PutAsync(StreamEntry stream, bool audienceKnown) => ChangeAsync(
        stream.StreamId,
        PutScript,
        [DirectoryKeys.Index, DirectoryKeys.Stream(stream.StreamId), DirectoryKeys.Ended(stream.StreamId), DirectoryKeys.Channels],
        [
            stream.StartedAt.ToUnixTimeMilliseconds(),
            stream.Channel,
            stream.Title,
            stream.BroadcasterAccountId,
            stream.Viewers,
            stream.SpareSlots,
            StreamEntry.Rank(stream.StreamId, stream.Viewers),
            audienceKnown ? "1" : "0",
            stream.Tags,
            stream.Language,
            stream.StreamId,
        ]);

    /// <summary>Makes a change, and tells those who follow the directory. A notice may get lost: they compare all of it from time to time.</summary>
    private async Task<bool> ChangeAsync(string streamId, string script, RedisKey[] keys, RedisValue[] values)
    {
        if ((long)await Database.ScriptEvaluateAsync(script, keys, values) != 1)
            return false;
        await Database.PublishAsync(DirectoryKeys.Changes, streamId, CommandFlags.FireAndForget);
        return true;
    }

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
            (int)hash["spare"],
            Text("tags"),
            Text("language"),
            Text("squad"));

        string Text(string field) => hash.TryGetValue(field, out var value) ? (string)value! : "";
    }
}
