using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Beacon.Testing;

/// <summary>A process of <c>clients/relay/swarm</c>: a line in, a line of JSON out.</summary>
public sealed class NodePeers : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly string Folder = Path.Combine(Repository.Root, "clients", "relay");

    private readonly Process _process;
    private readonly SemaphoreSlim _turn = new(1);

    private NodePeers(Process process) => _process = process;

    /// <summary>Compiles the program; first installs what it needs.</summary>
    public static async Task BuildAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
            await RunAsync("ci", "--no-audit", "--no-fund");
        await RunAsync("run", "swarm");

        async Task RunAsync(params string[] arguments)
        {
            using var npm = Process.Start(new ProcessStartInfo("npm", arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, UseShellExecute = false })
                ?? throw new InvalidOperationException("npm did not start.");
            var said = await npm.StandardOutput.ReadToEndAsync(cancellation);
            await npm.WaitForExitAsync(cancellation);
            if (npm.ExitCode != 0)
                throw new InvalidOperationException($"npm {string.Join(' ', arguments)} ended with {npm.ExitCode}:\n{said}");
        }
    }

    /// <param name="arguments"><c>root</c> or <c>viewers</c>, and what <c>clients/relay/swarm</c> takes.</param>
    public static NodePeers Start(params string[] arguments) => new(
        Process.Start(new ProcessStartInfo("node", [Path.Combine(Folder, "swarm", "dist", "main.js"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        }) ?? throw new InvalidOperationException("node did not start."));

    /// <summary>Says a line, and hears the answer.</summary>
    public async Task<JsonNode> AskAsync(string command, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            await _process.StandardInput.WriteLineAsync(command.AsMemory(), cancellation);
            await _process.StandardInput.FlushAsync(cancellation);
            return await HearAsync(cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What it says by itself at its start.</summary>
    public async Task<JsonNode> HearAsync(CancellationToken cancellation)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(Patience, cancellation)
            ?? throw new InvalidOperationException("The process of Node ended; what it said is above.");
        return JsonNode.Parse(line)!;
    }

    /// <summary>By SIGKILL: nothing says goodbye.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _turn.Dispose();
    }
}
