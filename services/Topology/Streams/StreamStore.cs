using System.Globalization;
using System.Text.Json;
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

    /// <summary>0 while the broadcaster is connected.</summary>
    public long RootLostAtMs { get; init; }

    public long TreeVersion { get; init; }

    public long LastSettledWindow { get; init; } = long.MinValue;
}

/// <summary>One field of the peers' hash.</summary>
internal sealed record PeerState(Member Member, PeerRecord Place);

internal sealed record StoredStream(long Epoch, StreamMeta Meta, IReadOnlyList<PeerState> Peers, IReadOnlyDictionary<long, RelayWorkVerified> Outbox);

/// <summary>What one batch writes, all or nothing.</summary>
/// <param name="RenewTtl">True now and then: the keys live on.</param>
internal sealed record StreamBatch(
    StreamMeta? Meta,
    IReadOnlyList<PeerState> Peers,
    IReadOnlyList<string> RemovedPeers,
    IReadOnlyList<RelayWorkVerified> Outbox,
    IReadOnlyList<long> Published,
    bool RenewTtl);

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
        local current = redis.call('HGET', KEYS[1], 'epoch')
        if not current and ARGV[2] == '0' then return '0' end
        local epoch = ARGV[1]
        if current and tonumber(current) >= tonumber(epoch) then epoch = string.format('%.0f', tonumber(current) + 1) end
        redis.call('HSET', KEYS[1], 'epoch', epoch)
        if not current then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
        return epoch
        """;

    private const string CommitScript = """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
        local unpack = unpack or table.unpack
        local at = 3
        local function apply(command, key)
          local last = at + tonumber(ARGV[at])
          local from = at + 1
          while from <= last do
            local to = math.min(from + 999, last)
            redis.call(command, key, unpack(ARGV, from, to))
            from = to + 1
          end
          at = last + 1
        end
        apply('HSET', KEYS[1])
        apply('HSET', KEYS[2])
        apply('HDEL', KEYS[2])
        apply('HSET', KEYS[3])
        apply('HDEL', KEYS[3])
        if ARGV[2] ~= '0' then
          redis.call('EXPIRE', KEYS[1], ARGV[2])
          redis.call('EXPIRE', KEYS[2], ARGV[2])
          redis.call('EXPIRE', KEYS[3], ARGV[2])
        end
        return 1
        """;

    private const string DeleteScript = """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
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

    private IDatabase Database => redis.GetDatabase();

    public async Task<StoredStream?> TakeAsync(string streamId, long nowMs)
    {
        var epoch = await AcquireAsync(streamId, nowMs, create: false);
        if (epoch == 0)
            return null;
        // Read after the epoch is ours: a former owner's commit can no longer slip in between.
        var keys = Keys(streamId);
        var fields = await Database.HashGetAsync(keys[0], "meta");
        if (fields.IsNull)
            return null;
        var peers = await Database.HashGetAllAsync(keys[1]);
        var outbox = await Database.HashGetAllAsync(keys[2]);
        return new StoredStream(
            epoch,
            From<StreamMeta>(fields),
            [.. peers.Select(entry => From<PeerState>(entry.Value))],
            outbox.ToDictionary(entry => (long)entry.Name, entry => From<RelayWorkVerified>(entry.Value)));
    }

    public Task<long> CreateAsync(string streamId, long nowMs) => AcquireAsync(streamId, nowMs, create: true);

    public async Task<bool> CommitAsync(string streamId, long epoch, StreamBatch batch)
    {
        var values = new List<RedisValue> { Text(epoch), batch.RenewTtl ? options.Value.StateTtlHours * 3600 : 0 };
        Section(batch.Meta is null ? [] : ["meta", To(batch.Meta)]);
        Section([.. batch.Peers.SelectMany(peer => new RedisValue[] { peer.Member.PeerId, To(peer) })]);
        Section([.. batch.RemovedPeers.Select(peer => (RedisValue)peer)]);
        Section([.. batch.Outbox.SelectMany(work => new RedisValue[] { Text(work.Window), To(work) })]);
        Section([.. batch.Published.Select(window => (RedisValue)Text(window))]);
        return (int)await EvaluateAsync(CommitScript, Keys(streamId), [.. values]) == 1;

        void Section(RedisValue[] section)
        {
            values.Add(section.Length);
            values.AddRange(section);
        }
    }

    public async Task<bool> DeleteAsync(string streamId, long epoch) =>
        (int)await EvaluateAsync(DeleteScript, Keys(streamId), [Text(epoch)]) == 1;

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

    private static RedisKey[] Keys(string streamId) => [$"beacon:{{{streamId}}}:meta", $"beacon:{{{streamId}}}:peers", $"beacon:{{{streamId}}}:outbox"];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static byte[] To<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value);

    private static T From<T>(RedisValue value) =>
        JsonSerializer.Deserialize<T>((byte[])value!) ?? throw new JsonException($"A stored {typeof(T).Name} is null.");
}
