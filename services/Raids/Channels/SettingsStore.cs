using System.Text.Json;
using System.Text.Json.Serialization;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using StackExchange.Redis;

namespace Beacon.Raids.Channels;

/// <summary>What the owners of channels have set: one hash in Redis, without an end to its memory.</summary>
internal sealed class SettingsStore(IConnectionMultiplexer redis)
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    private IDatabase Database => redis.GetDatabase();

    /// <summary>The rules of a channel; the default ones while its owner has set nothing.</summary>
    public async Task<ChannelRules> GetAsync(string channel) => await FindAsync(channel) ?? ChannelRules.Default;

    /// <summary>The rules of a channel; null while its owner has set nothing.</summary>
    public async Task<ChannelRules?> FindAsync(string channel) => Parse(await Database.HashGetAsync(DirectoryKeys.Settings, channel));

    /// <summary>The rules of many channels, in their order.</summary>
    public async Task<IReadOnlyList<ChannelRules>> GetAsync(IReadOnlyList<string> channels) => channels.Count == 0
        ? []
        : [.. (await Database.HashGetAsync(DirectoryKeys.Settings, [.. channels.Select(channel => (RedisValue)channel)])).Select(text => Parse(text) ?? ChannelRules.Default)];

    public Task SetAsync(string channel, ChannelRules rules) => Database.HashSetAsync(DirectoryKeys.Settings, channel, JsonSerializer.Serialize(rules, Json));

    private static ChannelRules? Parse(RedisValue text) => text.IsNull ? null : JsonSerializer.Deserialize<ChannelRules>((string)text!, Json);
}
