using System.Net;
using Garnet;
using Garnet.server;
using StackExchange.Redis;

namespace Beacon.Testing;

/// <summary>An embedded Redis-compatible store, set up as Beacon.Server sets up its own: scripts on, and atomic.</summary>
public sealed class GarnetFixture : IAsyncLifetime
{
    private GarnetServer? _server;
    private ConnectionMultiplexer? _redis;

    public string ConnectionString { get; private set; } = "";

    public IConnectionMultiplexer Redis => _redis!;

    public async ValueTask InitializeAsync()
    {
        var port = Ports.Free();
        _server = new GarnetServer(Options(new IPEndPoint(IPAddress.Loopback, port)));
        _server.Start();
        ConnectionString = $"127.0.0.1:{port}";
        _redis = await ConnectionMultiplexer.ConnectAsync(ConnectionString);
    }

    public Task ClearAsync() => Redis.GetDatabase().ExecuteAsync("FLUSHDB");

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
        _server?.Dispose();
    }

    public static GarnetServerOptions Options(IPEndPoint endpoint) => new()
    {
        EndPoints = [endpoint],
        EnableLua = true,
        LuaTransactionMode = true,
        LuaOptions = new LuaOptions(LuaMemoryManagementMode.Native, "", Timeout.InfiniteTimeSpan, LuaLoggingMode.Enable, [], null),
        QuietMode = true,
    };
}
