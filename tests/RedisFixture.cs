using StackExchange.Redis;

namespace Beacon.Testing;

/// <summary>A Redis of its own on a free port, in a directory of its own, when redis-server is installed; else its tests are skipped and say why.</summary>
public sealed class RedisFixture : IAsyncLifetime
{
    private RedisServer? _server;
    private ConnectionMultiplexer? _redis;

    public string ConnectionString => _server?.ConnectionString ?? "";

    public IConnectionMultiplexer Redis
    {
        get
        {
            RequireInstalled();
            return _redis!;
        }
    }

    public static void RequireInstalled() => Assert.SkipWhen(RedisServer.Program is null, "redis-server is not installed");

    public async ValueTask InitializeAsync()
    {
        if (RedisServer.Program is null)
            return;
        _server = new RedisServer(Ports.Free(), keepsData: false);
        await _server.StartAsync();
        _redis = await ConnectionMultiplexer.ConnectAsync(ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
