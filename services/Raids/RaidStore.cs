using System.Text.Json;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Raids;

/// <summary>The raids of streams that end, and each channel's last target, in Redis, both with an end to their memory.</summary>
internal sealed class RaidStore(IConnectionMultiplexer redis, IOptions<RaidsOptions> options)
{
    private IDatabase Database => redis.GetDatabase();

    private TimeSpan Memory => TimeSpan.FromSeconds(options.Value.RaidMemorySeconds);

    public async Task<RaidRecord?> FindAsync(string streamId) => Parse(await Database.StringGetAsync(DirectoryKeys.Raid(streamId)));

    /// <summary>
    /// Records the raid unless another process recorded one since <paramref name="former"/> was read. The one that stands in the
    /// end is returned: two requests at once have one outcome.
    /// </summary>
    public async Task<RaidRecord> ProposeAsync(RaidRecord raid, RaidRecord? former)
    {
        var key = DirectoryKeys.Raid(raid.SourceStreamId);
        var write = Database.CreateTransaction();
        write.AddCondition(former is null ? Condition.KeyNotExists(key) : Condition.StringEqual(key, Format(former)));
        _ = write.StringSetAsync(key, Format(raid), Memory);
        return await write.ExecuteAsync() ? raid : await FindAsync(raid.SourceStreamId) ?? raid;
    }

    public Task SaveAsync(RaidRecord raid) => Database.StringSetAsync(DirectoryKeys.Raid(raid.SourceStreamId), Format(raid), Memory);

    public async Task<string?> LastTargetAsync(string channel) => await Database.StringGetAsync(DirectoryKeys.LastTarget(channel));

    public Task SaveLastTargetAsync(string channel, string targetChannel) =>
        Database.StringSetAsync(DirectoryKeys.LastTarget(channel), targetChannel, TimeSpan.FromHours(options.Value.LastTargetHours));

    private static string Format(RaidRecord raid) => JsonSerializer.Serialize(raid);

    private static RaidRecord? Parse(RedisValue text) => text.IsNull ? null : JsonSerializer.Deserialize<RaidRecord>((string)text!);
}
