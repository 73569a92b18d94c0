using System.Collections.Concurrent;
using System.Diagnostics;
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

    public static void RequireInstalled() => RedisServer.RequireInstalled();

    public async ValueTask InitializeAsync()
    {
        if (RedisServer.Program is null)
            return;
        _server = new RedisServer(keepsData: false);
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

/// <summary>A redis-server that a test may pause, kill and start again at the same address.</summary>
/// <param name="keepsData">True: every write is on the disk before it is answered.</param>
internal sealed class RedisServer(bool keepsData) : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("beacon-redis-").FullName;
    private readonly int _port = GarnetFixture.FreePort();
    private Process? _server;

    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(directory => Path.Combine(directory, "redis-server"))
        .FirstOrDefault(File.Exists);

    public string ConnectionString => $"127.0.0.1:{_port}";

    public static void RequireInstalled() => Assert.SkipWhen(Program is null, "redis-server is not installed");

    public async Task StartAsync()
    {
        string[] arguments =
        [
            "--port", $"{_port}", "--bind", "127.0.0.1", "--save", "", "--dir", _directory, "--appendonly", keepsData ? "yes" : "no", "--appendfsync", "always",
        ];
        _server = Process.Start(new ProcessStartInfo(Program!, arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
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
    }

    public Task PauseAsync() => Signals.SendAsync(_server!.Id, "STOP");

    public Task ContinueAsync() => Signals.SendAsync(_server!.Id, "CONT");

    public async Task KillAsync()
    {
        _server!.Kill();
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await KillAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>What .NET has no call for.</summary>
internal static class Signals
{
    public static async Task SendAsync(int processId, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{processId}"]);
        await kill.WaitForExitAsync();
        if (kill.ExitCode != 0)
            throw new InvalidOperationException($"kill -{signal} {processId} ended with {kill.ExitCode}");
    }
}
