using System.Globalization;

namespace Beacon.Testing;

/// <summary>A redis-server of its own.</summary>
/// <param name="keepsData">True: every write is on the disk before it is answered.</param>
public sealed class RedisServer(int port, bool keepsData) : IPart
{
    private readonly string _directory = Directory.CreateTempSubdirectory("beacon-redis-").FullName;
    private ChildProcess? _program;

    /// <summary>Null where it is not installed.</summary>
    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(directory => Path.Combine(directory, "redis-server"))
        .FirstOrDefault(File.Exists);

    public int Port { get; } = port;

    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    public async Task StartAsync()
    {
        _program = new ChildProcess(Program!,
        [
            "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--dir", _directory,
            "--appendonly", keepsData ? "yes" : "no", "--appendfsync", "always",
        ], _directory, new Dictionary<string, string>(StringComparer.Ordinal));
        await _program.WaitForOutputAsync("Ready to accept connections", TimeSpan.FromSeconds(60));
    }

    public Task PauseAsync() => _program!.PauseAsync();

    public Task ContinueAsync() => _program!.ContinueAsync();

    public Task KillAsync() => _program!.KillAsync();

    public async ValueTask DisposeAsync()
    {
        if (_program is not null)
            await _program.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
