using System.Globalization;
using System.Runtime.InteropServices;
using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Topology.Streams;

/// <summary>What of a stream is neither tree nor peer.</summary>
internal sealed record StreamMeta(string Channel, string Title, string AccountId, int BitrateKbps, int MaxChildren, int Stripes, long StartedAtMs)
{
    /// <summary>Set once the stream is over, until everybody was told and the state is deleted.</summary>
    public string? EndedReason { get; init; }

    /// <summary>When that was; 0 while it is live.</summary>
    public long EndedAtMs { get; init; }

    /// <summary>0 while the broadcaster is connected.</summary>
    public long RootLostAtMs { get; init; }

    public long TreeVersion { get; init; }

    /// <summary>The highest <see cref="MemberState.NumbersFrom"/> given out so far.</summary>
    public long NumbersFrom { get; init; }

    public long LastSettledWindow { get; init; } = long.MinValue;
}

/// <summary>A peer's place in the tree of one stripe.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StripePlace(int Stripe, PeerRecord Place);

internal sealed record PeerState(Member Member, IReadOnlyList<StripePlace> Places);

internal sealed record StoredStream(long Epoch, StreamMeta Meta, IReadOnlyList<PeerState> Peers, IReadOnlyDictionary<long, RelayWorkVerified> Outbox);

/// <summary>What one commit writes, all or nothing.</summary>
/// <param name="Segments">Who is new, changed or gone, see <see cref="StreamRecord"/>.</param>
/// <param name="RenewTtl">True now and then: the keys live on.</param>
/// <param name="IsWhole">This is all there is: it replaces the record.</param>
internal sealed record StreamBatch(
    StreamMeta? Meta,
    StreamSegments Segments,
    IReadOnlyList<RelayWorkVerified> Outbox,
    IReadOnlyList<long> Published,
    bool RenewTtl,
    bool IsWhole = false)
{
    /// <summary>Peers that it says something of.</summary>
    public int Peers { get; init; }
}

/// <summary>
/// The streams' record in Redis. All keys of a stream have one hash tag; every script declares every key, so that Garnet and a Redis
/// cluster run it whole. A write carries the owner's epoch and is refused when another owner has taken the stream.
/// </summary>
internal sealed class StreamStore(IConnectionMultiplexer redis, IOptions<TopologyOptions> options) : IStreamJournal
{
    private const string LiveKey = "beacon:topology:live";
    private const string ChannelsKey = "beacon:topology:channels";

    /// <summary>A stream that was taken but never committed leaves nothing behind.</summary>
    private const int UncommittedTtlSeconds = 120;

    /// <summary>Epochs only grow, also past a deleted and re-made stream: they are at least the clock.</summary>
    private const string AcquireScript = """
        local at = redis.call('HMGET', KEYS[1], 'epoch', 'meta')
        local current = at[1]
        if ARGV[2] == '0' and not at[2] then return '0' end
        local epoch = ARGV[1]
        if current and tonumber(current) >= tonumber(epoch) then epoch = string.format('%.0f', tonumber(current) + 1) end
        redis.call('HSET', KEYS[1], 'epoch', epoch, 'seq', '0')
        if not current then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
        return epoch
        """;

    /// <summary>
    /// A commit follows the one with the number before it, else it is refused: so of several under way, none is written after one that was lost.
    /// </summary>
    private const string CommitScript = """
        local at = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
        if not at[1] then return -1 end
        if at[1] ~= ARGV[1] then return 0 end
        if at[2] ~= ARGV[2] then return -2 end
        if ARGV[4] == '' then redis.call('HSET', KEYS[1], 'seq', ARGV[3])
        else redis.call('HSET', KEYS[1], 'seq', ARGV[3], 'meta', ARGV[4]) end
        local i = 7
        local last = i + tonumber(ARGV[6])
        while i < last do redis.call('RPUSH', KEYS[2], ARGV[i]) i = i + 1 end
        last = i + 1 + tonumber(ARGV[i])
        i = i + 1
        while i < last do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) i = i + 2 end
        while i <= #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) i = i + 1 end
        if ARGV[5] ~= '0' then
          redis.call('EXPIRE', KEYS[1], ARGV[5])
          redis.call('EXPIRE', KEYS[2], ARGV[5])
          redis.call('EXPIRE', KEYS[3], ARGV[5])
        end
        return 1
        """;

    /// <summary>A part of a whole record that is too large for one script waits beside the record that is in force.</summary>
    private const string StageScript = """
        local at = redis.call('HGET', KEYS[1], 'epoch')
        if at and at ~= ARGV[1] then return 0 end
        if ARGV[2] == '0' then redis.call('DEL', KEYS[2]) end
        if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return -2 end
        local i = 4
        while i <= #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) i = i + 1 end
        redis.call('EXPIRE', KEYS[2], ARGV[3])
        return 1
        """;

    /// <summary>Puts a whole record in force, also where there is none any more.</summary>
    private const string ReplaceScript = """
        local at = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
        if at[1] and at[1] ~= ARGV[1] then return 0 end
        if at[1] and at[2] and tonumber(at[2]) >= tonumber(ARGV[2]) then return -2 end
        if redis.call('LLEN', KEYS[4]) ~= tonumber(ARGV[5]) then return -2 end
        redis.call('DEL', KEYS[2])
        redis.call('DEL', KEYS[3])
        if ARGV[5] ~= '0' then redis.call('RENAME', KEYS[4], KEYS[2]) end
        local i = 7
        local last = i + tonumber(ARGV[6])
        while i < last do redis.call('RPUSH', KEYS[2], ARGV[i]) i = i + 1 end
        while i <= #ARGV do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) i = i + 2 end
        redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', ARGV[2], 'meta', ARGV[3])
        redis.call('EXPIRE', KEYS[1], ARGV[4])
        redis.call('EXPIRE', KEYS[2], ARGV[4])
        redis.call('EXPIRE', KEYS[3], ARGV[4])
        return 1
        """;

    /// <summary>The epoch stays as long as state does: an owner that slept through the end must not bring the stream back.</summary>
    private const string DeleteScript = """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
        redis.call('HDEL', KEYS[1], 'meta', 'seq')
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        redis.call('DEL', KEYS[2])
        redis.call('DEL', KEYS[3])
        return 1
        """;

    private const string ClaimScript = """
        local holder = redis.call('HGET', KEYS[1], ARGV[1])
        if holder and holder ~= ARGV[2] then return holder end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        return ''
        """;

    private const string ReleaseScript = """
        if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
        return 1
        """;

    private const int SegmentsPerRead = 256;
    private const int SegmentsPerScript = 16;

    private int TtlSeconds => options.Value.StateTtlHours * 3600;

    private IDatabase Database => redis.GetDatabase();

    public async Task<StoredStream?> TakeAsync(string streamId, long nowMs)
    {
        var epoch = await AcquireAsync(streamId, nowMs, create: false);
        if (epoch == 0)
            return null;
        // Read after the epoch is ours: a former owner's commit can no longer slip in between.
        var keys = Keys(streamId);
        var meta = await Database.HashGetAsync(keys[0], "meta");
        if (meta.IsNull)
            return null;
        var segments = new List<byte[]>();
        RedisValue[] page;
        do
        {
            page = await Database.ListRangeAsync(keys[1], segments.Count, segments.Count + SegmentsPerRead - 1);
            segments.AddRange(page.Select(segment => (byte[])segment!));
        }
        while (page.Length == SegmentsPerRead);
        var outbox = await Database.HashGetAllAsync(keys[2]);
        return new StoredStream(
            epoch,
            StreamRecord.ReadMeta(meta!),
            StreamRecord.ReadSegments(segments),
            outbox.ToDictionary(entry => (long)entry.Name, entry => StreamRecord.ReadWork(entry.Value!)));
    }

    public Task<long> CreateAsync(string streamId, long nowMs) => AcquireAsync(streamId, nowMs, create: true);

    public Task<CommitOutcome> CommitAsync(string streamId, long epoch, long number, StreamBatch batch) =>
        batch.IsWhole ? ReplaceAsync(streamId, epoch, number, batch, batch.Segments.Bytes) : AppendAsync(streamId, epoch, number, batch, batch.Segments.Bytes);

    public async Task<bool> DeleteAsync(string streamId, long epoch) =>
        (int)await EvaluateAsync(DeleteScript, Keys(streamId), [Text(epoch), TtlSeconds]) == 1;

    public Task PingAsync() => Database.PingAsync();

    public async Task<string?> ClaimChannelAsync(string channel, string streamId)
    {
        var holder = (string?)await EvaluateAsync(ClaimScript, [ChannelsKey], [channel, streamId]);
        return string.IsNullOrEmpty(holder) ? null : holder;
    }

    public Task ReleaseChannelAsync(string channel, string streamId) => EvaluateAsync(ReleaseScript, [ChannelsKey], [channel, streamId]);

    public Task AddLiveAsync(string streamId, string channel) => Database.HashSetAsync(LiveKey, streamId, channel);

    public Task RemoveLiveAsync(string streamId) => Database.HashDeleteAsync(LiveKey, streamId);

    public async Task<int> CountLiveAsync() => (int)await Database.HashLengthAsync(LiveKey);

    public async Task<IReadOnlyList<string>> ListLiveAsync() => [.. (await Database.HashKeysAsync(LiveKey)).Select(id => id.ToString())];

    private async Task<CommitOutcome> AppendAsync(string streamId, long epoch, long number, StreamBatch batch, IReadOnlyList<byte[]> segments)
    {
        var values = new List<RedisValue>(8 + segments.Count)
        {
            Text(epoch), Text(number - 1), Text(number), batch.Meta is null ? RedisValue.EmptyString : StreamRecord.Write(batch.Meta), batch.RenewTtl ? TtlSeconds : 0,
            segments.Count,
        };
        values.AddRange(segments.Select(segment => (RedisValue)segment));
        values.Add(batch.Outbox.Count * 2);
        values.AddRange(batch.Outbox.SelectMany(Pair));
        values.AddRange(batch.Published.Select(window => (RedisValue)Text(window)));
        return Outcome(await EvaluateAsync(CommitScript, Keys(streamId), [.. values]));
    }

    private async Task<CommitOutcome> ReplaceAsync(string streamId, long epoch, long number, StreamBatch batch, IReadOnlyList<byte[]> segments)
    {
        var keys = Keys(streamId);
        // A name of its own for each attempt: what is left of one that failed cannot mix with it.
        RedisKey staged = $"beacon:{{{streamId}}}:log:{number}";
        var alone = segments.Count <= SegmentsPerScript;
        var at = 0;
        foreach (var part in alone ? [] : segments.Chunk(SegmentsPerScript))
        {
            RedisValue[] values = [Text(epoch), at, UncommittedTtlSeconds, .. part.Select(segment => (RedisValue)segment)];
            if (Outcome(await EvaluateAsync(StageScript, [keys[0], staged], values)) is not CommitOutcome.Done and var refused)
                return refused;
            at += part.Length;
        }

        RedisValue[] last =
        [
            Text(epoch), Text(number), StreamRecord.Write(batch.Meta!), TtlSeconds, at, alone ? segments.Count : 0,
            .. alone ? segments.Select(segment => (RedisValue)segment) : [],
            .. batch.Outbox.SelectMany(Pair),
        ];
        return Outcome(await EvaluateAsync(ReplaceScript, [.. keys, staged], last));
    }

    private static RedisValue[] Pair(RelayWorkVerified work) => [Text(work.Window), StreamRecord.Write(work)];

    private static CommitOutcome Outcome(RedisResult result) => (int)result switch
    {
        1 => CommitOutcome.Done,
        0 => CommitOutcome.Stale,
        _ => CommitOutcome.Broken,
    };

    private async Task<long> AcquireAsync(string streamId, long nowMs, bool create) =>
        (long)await EvaluateAsync(AcquireScript, [Keys(streamId)[0]], [Text(nowMs), create ? 1 : 0, UncommittedTtlSeconds]);

    private async Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        try
        {
            return await Database.ScriptEvaluateAsync(script, keys, values);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // A replica that has taken over does not have the script, and the client believes that it has: send the text.
            return await Database.ScriptEvaluateAsync(script, keys, values, CommandFlags.NoScriptCache);
        }
    }

    private static RedisKey[] Keys(string streamId) => [$"beacon:{{{streamId}}}:meta", $"beacon:{{{streamId}}}:log", $"beacon:{{{streamId}}}:outbox"];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
