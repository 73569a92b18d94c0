using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Beacon.ServiceDefaults;
using Garnet;
using Garnet.server;

namespace Beacon.Server;

/// <summary>
/// A Redis-compatible store inside the process, for installations of one machine: used when <c>ConnectionStrings:redis</c>
/// is not set. It is in memory: after a restart the trees form anew from the clients that come back.
/// </summary>
internal sealed class EmbeddedStore : IDisposable
{
    private readonly GarnetServer? _server;
    private bool _disposed;

    private EmbeddedStore(GarnetServer? server) => _server = server;

    public static EmbeddedStore Start(WebApplicationBuilder builder)
    {
        if (!string.IsNullOrEmpty(builder.Configuration.GetConnectionString("redis")))
            return new EmbeddedStore(null);

        var endpoint = new IPEndPoint(IPAddress.Loopback, FreePort());
        var server = new GarnetServer(
            new GarnetServerOptions
            {
                EndPoints = [endpoint],
                // Without the transaction mode a script is not atomic, and the journal's fencing rests on that.
                EnableLua = true,
                LuaTransactionMode = true,
                LuaOptions = new LuaOptions(LuaMemoryManagementMode.Native, "", Timeout.InfiniteTimeSpan, LuaLoggingMode.Enable, []),
                LogMemorySize = "256m",
                PageSize = "4m",
                QuietMode = true,
            });
        server.Start();
        builder.AddSettingDefaults(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:redis"] = string.Create(CultureInfo.InvariantCulture, $"{endpoint},abortConnect=false"),
        });
        return new EmbeddedStore(server);
    }

    public void Dispose()
    {
        // Garnet throws when disposed of twice.
        if (_disposed)
            return;
        _disposed = true;
        _server?.Dispose();
    }

    /// <summary>A port that is free now. The store binds it at once, on loopback only.</summary>
    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
