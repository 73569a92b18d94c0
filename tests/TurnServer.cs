using System.Diagnostics;
using System.Globalization;

namespace Beacon.Testing;

/// <summary>A real coturn on a port of the loopback, when it is installed.</summary>
internal sealed class TurnServer(string secret, int port) : IAsyncDisposable
{
    private static readonly string? Program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(directory => Path.Combine(directory, "turnserver")).FirstOrDefault(File.Exists);

    private readonly string _directory = Directory.CreateTempSubdirectory("beacon-turn-").FullName;
    private Process? _process;

    public int Port { get; } = port;

    public static void RequireInstalled() => Assert.SkipWhen(Program is null, "turnserver (coturn) is not installed");

    /// <summary>Starts it where it is installed. It may take a moment until it answers.</summary>
    public void Start()
    {
        if (Program is null)
            return;
        _process = Process.Start(new ProcessStartInfo(Program,
        [
            "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", $"--listening-port={Port.ToString(CultureInfo.InvariantCulture)}", "--realm=beacon", "--use-auth-secret",
            $"--static-auth-secret={secret}", "--no-cli", "--allow-loopback-peers", "--no-tls", "--no-dtls", $"--pidfile={_directory}/turn.pid", "--log-file=stdout", $"--userdb={_directory}/turn.db",
        ])
        { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
