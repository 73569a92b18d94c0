using System.Text.Json;
using System.Text.Json.Serialization;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Raids.Life;

/// <summary>What came of an attempt to record a raid.</summary>
internal enum Proposal
{
    Recorded = 0,

    /// <summary>Somebody else recorded one for the same stream meanwhile.</summary>
    Overtaken = 1,

    /// <summary>The channel has started too many in a short time.</summary>
    LimitReached = 2,
}

/// <summary>
/// The raids in Redis: each a hash of its JSON and its version. A write names the version that it follows, so a process that was overtaken
/// is refused; the same script keeps the list of raids that are due, which is what another process goes by after a crash.
/// </summary>
internal sealed class RaidStore(IConnectionMultiplexer redis, IOptions<RaidsOptions> options, Randomness randomness)
{
    /// <summary>Raids under way that one look at the list takes up.</summary>
    private const int DueAtOnce = 256;

    // KEYS raid, running, due, raid-of, history, limit, seed.
    // ARGV former raid id or '', raid id, stream, json, due ms, time to live ms, now ms, window ms, most in window or 0, memory ms, most in history or 0,
    // the seed that it takes or '', next seed, memory of seeds ms, 1 when the stream leaves.
    private const string ProposeScript = """
        local former = redis.call('GET', KEYS[4])
        if (former or '') ~= ARGV[1] then return 0 end
        if ARGV[12] ~= '' and redis.call('GET', KEYS[7]) ~= ARGV[12] then return 0 end
        if tonumber(ARGV[9]) > 0 then
          redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', tonumber(ARGV[7]) - tonumber(ARGV[8]))
          if redis.call('ZCARD', KEYS[6]) >= tonumber(ARGV[9]) then return -1 end
          redis.call('ZADD', KEYS[6], ARGV[7], ARGV[2])
          redis.call('PEXPIRE', KEYS[6], ARGV[8])
        end
        if ARGV[12] ~= '' then redis.call('SET', KEYS[7], ARGV[13], 'PX', ARGV[14]) end
        redis.call('HSET', KEYS[1], 'version', '1', 'json', ARGV[4])
        redis.call('PEXPIRE', KEYS[1], ARGV[6])
        redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[10])
        if ARGV[15] == '1' then redis.call('HSET', KEYS[2], ARGV[3], ARGV[2]) end
        redis.call('ZADD', KEYS[3], ARGV[5], ARGV[2])
        if tonumber(ARGV[11]) > 0 then
          redis.call('ZADD', KEYS[5], ARGV[7], ARGV[2])
          redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -1 - tonumber(ARGV[11]))
          redis.call('PEXPIRE', KEYS[5], ARGV[6])
        end
        return 1
        """;

    // KEYS raid, running, due, seed, history. ARGV version that must stand, next version, json, due ms or '' when final, raid id, stream, time to live ms,
    // the seed that it takes now or '', next seed, memory of seeds ms, proposed ms, 1 when the stream leaves.
    private const string SaveScript = """
        if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
        if ARGV[8] ~= '' then
          if redis.call('GET', KEYS[4]) ~= ARGV[8] then return 0 end
          redis.call('SET', KEYS[4], ARGV[9], 'PX', ARGV[10])
          redis.call('ZADD', KEYS[5], ARGV[11], ARGV[5])
          redis.call('PEXPIRE', KEYS[5], ARGV[7])
        end
        redis.call('HSET', KEYS[1], 'version', ARGV[2], 'json', ARGV[3])
        redis.call('PEXPIRE', KEYS[1], ARGV[7])
        if ARGV[4] == '' then
          redis.call('ZREM', KEYS[3], ARGV[5])
          if redis.call('HGET', KEYS[2], ARGV[6]) == ARGV[5] then redis.call('HDEL', KEYS[2], ARGV[6]) end
        else
          if ARGV[12] == '1' then redis.call('HSET', KEYS[2], ARGV[6], ARGV[5]) end
          redis.call('ZADD', KEYS[3], ARGV[4], ARGV[5])
        end
        return 1
        """;

    // KEYS budget. ARGV now ms, cost ms. The time at which these joins may be made; the next ones come after them.
    private const string BudgetScript = """
        local free = tonumber(redis.call('GET', KEYS[1]) or '0')
        local at = tonumber(ARGV[1])
        if free > at then at = free end
        local after = at + tonumber(ARGV[2])
        redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', string.format('%.0f', after - tonumber(ARGV[1]) + 60000))
        return string.format('%.0f', at)
        """;

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    private IDatabase Database => redis.GetDatabase();

    private long SeedMemoryMs => options.Value.LastTargetHours * 3_600_000L;

    private long HistoryMs => options.Value.HistoryDays * 86_400_000L;

    /// <summary>The latest raid of a stream.</summary>
    public async Task<RaidRecord?> FindOfStreamAsync(string streamId) =>
        await Database.StringGetAsync(DirectoryKeys.RaidOf(streamId)) is { IsNull: false } raidId ? await FindAsync((string)raidId!) : null;

    public async Task<RaidRecord?> FindAsync(string raidId) => Parse(await Database.HashGetAsync(DirectoryKeys.Raid(raidId), "json"));

    /// <summary>Records a new raid.</summary>
    /// <param name="former">The raid that was the stream's latest when this one was decided.</param>
    /// <param name="isCounted">It counts for the channel's limit.</param>
    public async Task<Proposal> ProposeAsync(RaidRecord raid, RaidRecord? former, DateTimeOffset due, bool isCounted)
    {
        var settings = options.Value;
        var result = (long)await Database.ScriptEvaluateAsync(
            ProposeScript,
            [
                DirectoryKeys.Raid(raid.RaidId),
                DirectoryKeys.Running,
                DirectoryKeys.Due,
                DirectoryKeys.RaidOf(raid.SourceStreamId),
                DirectoryKeys.History(raid.SourceChannel),
                DirectoryKeys.Limit(raid.SourceChannel),
                DirectoryKeys.Seed(raid.SourceChannel),
            ],
            [
                former?.RaidId ?? "",
                raid.RaidId,
                raid.SourceStreamId,
                Format(raid),
                due.ToUnixTimeMilliseconds(),
                HistoryMs,
                raid.ProposedAt.ToUnixTimeMilliseconds(),
                settings.RaidWindowSeconds * 1000L,
                isCounted ? settings.RaidsPerWindow : 0,
                // Longer than a raid can be under way, so that its stream always finds it.
                (settings.RaidMemorySeconds + RaidsOptions.MaxCountdownSeconds + settings.GiveUpSeconds) * 1000L,
                // Most lost broadcasters come back: such a raid is history when it moves.
                raid.IsUnwanted || raid.Origin == RaidOrigin.BroadcasterLost ? 0 : settings.HistoryPerChannel,
                raid.Seed,
                NewSeed(),
                SeedMemoryMs,
                raid.Leaves ? "1" : "",
            ]);
        return result switch { 1 => Proposal.Recorded, 0 => Proposal.Overtaken, _ => Proposal.LimitReached };
    }

    /// <summary>Writes what follows <paramref name="former"/>; null when another process was faster.</summary>
    /// <param name="due">When the raid needs somebody; ignored when it is final.</param>
    public async Task<RaidRecord?> SaveAsync(RaidRecord former, RaidRecord next, DateTimeOffset due)
    {
        next = next with { Version = former.Version + 1 };
        var saved = (long)await Database.ScriptEvaluateAsync(
            SaveScript,
            [DirectoryKeys.Raid(next.RaidId), DirectoryKeys.Running, DirectoryKeys.Due, DirectoryKeys.Seed(next.SourceChannel), DirectoryKeys.History(next.SourceChannel)],
            [
                former.Version,
                next.Version,
                Format(next),
                next.IsFinal ? "" : due.ToUnixTimeMilliseconds(),
                next.RaidId,
                next.SourceStreamId,
                HistoryMs,
                next.Seed == former.Seed ? "" : next.Seed,
                NewSeed(),
                SeedMemoryMs,
                next.ProposedAt.ToUnixTimeMilliseconds(),
                next.Leaves ? "1" : "",
            ]);
        return saved == 1 ? next : null;
    }

    /// <summary>Raids that need something by now, the oldest first.</summary>
    public async Task<IReadOnlyList<string>> DueAsync(DateTimeOffset now) =>
        [.. (await Database.SortedSetRangeByScoreAsync(DirectoryKeys.Due, stop: now.ToUnixTimeMilliseconds(), take: DueAtOnce)).Select(id => (string)id!)];

    /// <summary>When the next raid needs something; null when none is under way.</summary>
    public async Task<DateTimeOffset?> NextDueAsync()
    {
        var first = await Database.SortedSetRangeByRankWithScoresAsync(DirectoryKeys.Due, 0, 0);
        return first.Length == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds((long)first[0].Score);
    }

    /// <summary>A due raid whose record is gone.</summary>
    public Task ForgetDueAsync(string raidId) => Database.SortedSetRemoveAsync(DirectoryKeys.Due, raidId);

    /// <summary>The raid by which a stream leaves; null also for one that waits for its lost broadcaster.</summary>
    public async Task<string?> RunningAsync(string streamId) => await Database.HashGetAsync(DirectoryKeys.Running, streamId);

    /// <summary>Which of these streams leave by a raid.</summary>
    public async Task<IReadOnlyList<bool>> AreRunningAsync(IReadOnlyList<string> streamIds) => streamIds.Count == 0
        ? []
        : [.. (await Database.HashGetAsync(DirectoryKeys.Running, [.. streamIds.Select(id => (RedisValue)id)])).Select(raid => !raid.IsNull)];

    public async Task<string?> LastTargetAsync(string channel) => await Database.StringGetAsync(DirectoryKeys.LastTarget(channel));

    /// <summary>Which of these channels the source may not raid yet.</summary>
    public async Task<IReadOnlyList<bool>> CoolDownAsync(string channel, IReadOnlyList<string> targets) => targets.Count == 0
        ? []
        : [.. (await Database.StringGetAsync([.. targets.Select(target => DirectoryKeys.CoolDown(channel, target))])).Select(mark => !mark.IsNull)];

    /// <summary>A raid moves: its target cools down, is the channel's last one, and has the raid in its history.</summary>
    public async Task NoteMoveAsync(RaidRecord raid)
    {
        await Database.StringSetAsync(DirectoryKeys.LastTarget(raid.SourceChannel), raid.Target!.Channel, TimeSpan.FromHours(options.Value.LastTargetHours));
        foreach (var share in raid.Shares)
        {
            if (options.Value.PairCoolDownSeconds > 0)
                await Database.StringSetAsync(DirectoryKeys.CoolDown(raid.SourceChannel, share.Target.Channel), raid.RaidId, TimeSpan.FromSeconds(options.Value.PairCoolDownSeconds));
        }

        foreach (var channel in raid.Shares.Select(share => share.Target.Channel).Append(raid.SourceChannel))
        {
            var history = DirectoryKeys.History(channel);
            await Database.SortedSetAddAsync(history, raid.RaidId, raid.ProposedAt.ToUnixTimeMilliseconds());
            await Database.SortedSetRemoveRangeByRankAsync(history, 0, -1 - options.Value.HistoryPerChannel);
            await Database.KeyExpireAsync(history, TimeSpan.FromMilliseconds(HistoryMs));
        }
    }

    /// <summary>A viewer stays behind; the same one again counts once.</summary>
    public async Task DeclineAsync(string raidId, string peerId)
    {
        var key = DirectoryKeys.Declined(raidId);
        if (await FindAsync(raidId) is not { IsFinal: false })
            return;
        await Database.SetAddAsync(key, peerId);
        await Database.KeyExpireAsync(key, TimeSpan.FromSeconds(options.Value.RaidMemorySeconds));
    }

    /// <summary>The peers that stay behind so far.</summary>
    public async Task<IReadOnlySet<string>> DeclinersAsync(string raidId) =>
        (await Database.SetMembersAsync(DirectoryKeys.Declined(raidId))).Select(peerId => (string)peerId!).ToHashSet(StringComparer.Ordinal);

    /// <summary>How many viewers stay behind so far.</summary>
    public async Task<int> DeclinesAsync(string raidId) => (int)await Database.SetLengthAsync(DirectoryKeys.Declined(raidId));

    /// <summary>The raids from and to a channel, newest first, and whether more follow.</summary>
    /// <param name="after">The last raid of the page before; empty for the first.</param>
    public async Task<(IReadOnlyList<RaidRecord> Raids, bool HasMore)> HistoryAsync(string channel, string after, int count)
    {
        var ids = (await Database.SortedSetRangeByRankAsync(DirectoryKeys.History(channel), 0, -1, Order.Descending)).Select(id => (string)id!).ToList();
        if (after.Length > 0)
            ids = [.. ids.Skip(ids.IndexOf(after) is >= 0 and var index ? index + 1 : ids.Count)];
        var found = await Task.WhenAll(ids.Take(count).Select(FindAsync));
        return ([.. found.OfType<RaidRecord>()], ids.Count > count);
    }

    /// <summary>The time at which so many joins of a target may be made.</summary>
    public async Task<DateTimeOffset> ReserveJoinsAsync(string targetStreamId, int joins, DateTimeOffset now)
    {
        var cost = (long)Math.Ceiling(joins * 1000.0 / options.Value.JoinsPerSecond);
        var at = await Database.ScriptEvaluateAsync(BudgetScript, [DirectoryKeys.Budget(targetStreamId)], [now.ToUnixTimeMilliseconds(), cost]);
        return DateTimeOffset.FromUnixTimeMilliseconds((long)at);
    }

    /// <summary>Makes sure that the seed of a channel's next raid is there to commit to.</summary>
    public Task CommitSeedAsync(string channel) =>
        Database.StringSetAsync(DirectoryKeys.Seed(channel), NewSeed(), TimeSpan.FromHours(options.Value.LastTargetHours), When.NotExists);

    /// <summary>The published half of the seed of a channel's next raid; null while there is none.</summary>
    public async Task<string?> CommitmentAsync(string channel) =>
        await Database.StringGetAsync(DirectoryKeys.Seed(channel)) is { IsNull: false } seed ? DrawProof.Commitment((string)seed!) : null;

    /// <summary>The seed of the channel's next raid. It is taken, and the next one committed to, by the write that records the raid: none is used twice, none is lost.</summary>
    public async Task<string> NextSeedAsync(string channel)
    {
        await CommitSeedAsync(channel);
        return (string?)await Database.StringGetAsync(DirectoryKeys.Seed(channel)) ?? "";
    }

    private string NewSeed()
    {
        var bytes = new byte[DrawProof.SeedBytes];
        for (var offset = 0; offset < bytes.Length; offset += sizeof(ulong))
            BitConverter.TryWriteBytes(bytes.AsSpan(offset), randomness());
        return Convert.ToHexStringLower(bytes);
    }

    private static string Format(RaidRecord raid) => JsonSerializer.Serialize(raid, Json);

    private static RaidRecord? Parse(RedisValue text) => text.IsNull ? null : JsonSerializer.Deserialize<RaidRecord>((string)text!, Json);
}
