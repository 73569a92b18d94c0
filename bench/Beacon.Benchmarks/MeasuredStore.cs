using System.Diagnostics;
using System.Net;
using Beacon.Testing;
using Garnet;
using Garnet.server;

namespace Beacon.Benchmarks;

/// <summary>A store of its own on a free port: a redis-server, or Garnet within this process.</summary>
internal sealed class MeasuredStore : IAsyncDisposable
{
    private readonly Process? _redis;
    private readonly GarnetServer? _garnet;
    private readonly string? _directory;

    private MeasuredStore(string name, int port, Process? redis, GarnetServer? garnet, string? directory)
    {
        Name = name;
        ConnectionString = $"127.0.0.1:{port}";
        _redis = redis;
        _garnet = garnet;
        _directory = directory;
    }

    public string Name { get; }

    public string ConnectionString { get; }

    /// <summary>What the store has used so far; null when it shares this process.</summary>
    public TimeSpan? ProcessorTime
    {
        get
        {
            _redis?.Refresh();
            return _redis?.TotalProcessorTime;
        }
    }

    /// <summary>Null when redis-server is not on the path.</summary>
    public static async Task<MeasuredStore?> TryStartRedisAsync()
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(directory => Path.Combine(directory, "redis-server"))
            .FirstOrDefault(File.Exists);
        if (program is null)
            return null;
        var port = Ports.Free();
        var directory = Directory.CreateTempSubdirectory("beacon-bench-").FullName;
        var server = Process.Start(new ProcessStartInfo(program, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        while (await server.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                return new MeasuredStore("redis", port, server, garnet: null, directory);
        }

        throw new InvalidOperationException("redis-server ended before it was ready");
    }

    /// <summary>Set up as Beacon.Server sets up its own.</summary>
    public static MeasuredStore StartGarnet()
    {
        var port = Ports.Free();
        var server = new GarnetServer(new GarnetServerOptions
        {
            EndPoints = [new IPEndPoint(IPAddress.Loopback, port)],
            EnableLua = true,
            LuaTransactionMode = true,
            LuaOptions = new LuaOptions(LuaMemoryManagementMode.Native, "", Timeout.InfiniteTimeSpan, LuaLoggingMode.Enable, []),
            LogMemorySize = "256m",
            PageSize = "4m",
            QuietMode = true,
        });
        server.Start();
        return new MeasuredStore("garnet", port, redis: null, server, directory: null);
    }

    public async ValueTask DisposeAsync()
    {
        _garnet?.Dispose();
        if (_redis is not null)
        {
            _redis.Kill();
            await _redis.WaitForExitAsync();
            _redis.Dispose();
        }

        if (_directory is not null)
            Directory.Delete(_directory, recursive: true);
    }
}
