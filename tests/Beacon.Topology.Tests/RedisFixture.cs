using System.Collections.Concurrent;
using System.Diagnostics;
using StackExchange.Redis;

namespace Beacon.Topology.Tests;

/// <summary>A Redis of its own on a free port, in a directory of its own, when redis-server is installed; else its tests are skipped and say why.</summary>
public sealed class RedisFixture : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("beacon-redis-").FullName;
    private Process? _server;
    private ConnectionMultiplexer? _redis;

    public string ConnectionString { get; private set; } = "";

    public IConnectionMultiplexer Redis
    {
        get
        {
            RequireInstalled();
            return _redis!;
        }
    }

    public void RequireInstalled() => Assert.SkipWhen(_redis is null, "redis-server is not installed");

    public async ValueTask InitializeAsync()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(directory => Path.Combine(directory, "redis-server"))
            .FirstOrDefault(File.Exists);
        if (path is null)
            return;
        var port = GarnetFixture.FreePort();
        _server = Process.Start(new ProcessStartInfo(path, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _directory])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var said = new ConcurrentQueue<string>();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OutputDataReceived += (_, line) =>
        {
            said.Enqueue(line.Data ?? "(it ended)");
            if (line.Data is null)
                ready.TrySetException(new InvalidOperationException($"redis-server did not start:\n{string.Join('\n', said)}"));
            else if (line.Data.Contains("Ready to accept connections", StringComparison.Ordinal))
                ready.TrySetResult();
        };
        _server.BeginOutputReadLine();
        await ready.Task;
        ConnectionString = $"127.0.0.1:{port}";
        _redis = await ConnectionMultiplexer.ConnectAsync(ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
        if (_server is not null)
        {
            _server.Kill();
            await _server.WaitForExitAsync();
            _server.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
