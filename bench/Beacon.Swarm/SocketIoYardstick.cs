using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>The same signals through a small socket.io server (<c>yardstick/</c>), by the same generator.</summary>
internal static class SocketIoYardstick
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static async Task MeasureAsync(JsonObject report, int clients, int signalsEach, int inFlight, int warmUpSeconds, TextWriter log, CancellationToken cancellation)
    {
        await log.WriteLineAsync("socket.io");
        var folder = Path.Combine(Repository.Root, "bench", "Beacon.Swarm", "yardstick");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            await RunAsync(folder, "npm", "ci --no-audit --no-fund", cancellation);
        var port = Ports.Free();
        using var node = Process.Start(new ProcessStartInfo("node", $"server.mjs {port}") { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new InvalidOperationException("node did not start.");
        try
        {
            await node.StandardOutput.ReadLineAsync(cancellation);
            var endpoint = new IPEndPoint(IPAddress.Loopback, port);
            var until = Stopwatch.GetTimestamp() + (warmUpSeconds * Stopwatch.Frequency);
            while (Stopwatch.GetTimestamp() < until)
                await PlayAsync(node, endpoint, 200, 50, inFlight, []);
            await PlayAsync(node, endpoint, clients, signalsEach, inFlight, report);
            if (report["signal_relays_per_server_cpu_s"] is { } ours)
                report["signal_times_socketio"] = Math.Round(ours.GetValue<double>() / report["socketio_signal_relays_per_server_cpu_s"]!.GetValue<double>(), 2);
        }
        finally
        {
            node.Kill();
            await node.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task PlayAsync(Process node, IPEndPoint endpoint, int clients, int signalsEach, int inFlight, JsonObject report)
    {
        var residentBefore = Server.ResidentKibOf(node.Id);
        var all = Enumerable.Range(0, clients).Select(_ => new SocketIoClient()).ToArray();
        try
        {
            await Crowd.ForAllAsync(clients, inFlight, index => all[index].ConnectAsync(endpoint));
            report["socketio_rss_kib_per_connection"] = Math.Round((Server.ResidentKibOf(node.Id) - residentBefore) / (double)clients, 1);
            var total = clients * signalsEach;
            var timings = new Timings(total);
            using var relays = new Relays(total, inFlight, timings);
            foreach (var client in all)
                client.SignalArrived = relays.Take;
            var spentBefore = Server.ProcessorTimeOf(node.Id);
            var startedAt = Stopwatch.GetTimestamp();
            for (var round = 0; round < signalsEach; round++)
            {
                for (var index = 0; index < clients; index++)
                    all[index].Signal(all[index / 8].Id, await relays.NextAsync());
            }

            await relays.Arrived.WaitAsync(Patience);
            report["socketio_signal_rate_per_s"] = Math.Round(total / Stopwatch.GetElapsedTime(startedAt).TotalSeconds);
            report["socketio_signal_p50_ms"] = Math.Round(timings.PercentileMs(0.50), 2);
            report["socketio_signal_p99_ms"] = Math.Round(timings.PercentileMs(0.99), 2);
            report["socketio_signal_relays_per_server_cpu_s"] = Math.Round(total / (Server.ProcessorTimeOf(node.Id) - spentBefore).TotalSeconds);
        }
        finally
        {
            foreach (var client in all)
                client.Dispose();
        }
    }

    private static async Task RunAsync(string folder, string program, string arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new InvalidOperationException($"{program} did not start.");
        await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {arguments} ended with {process.ExitCode}.");
    }

    /// <summary>As much of socket.io over one WebSocket as it takes: engine.io packets are texts that begin with their type.</summary>
    private sealed class SocketIoClient : RawWebSocket
    {
        private readonly TaskCompletionSource<string> _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Id { get; private set; } = "";

        public Action<ReadOnlySpan<byte>>? SignalArrived { get; set; }

        public async Task ConnectAsync(IPEndPoint server)
        {
            await OpenAsync(server, "/socket.io/?EIO=4&transport=websocket", "");
            Send(Text, "40"u8);
            Id = await _joined.Task;
        }

        public void Signal(string to, string candidate)
        {
            var packet = new JsonArray("signal", new JsonObject { ["to"] = to, ["candidate"] = candidate }).ToJsonString(Compact);
            Send(Text, Encoding.UTF8.GetBytes("42" + packet));
        }

        protected override void OnMessage(ReadOnlySpan<byte> message)
        {
            if (message.StartsWith("42"u8))
                SignalArrived?.Invoke(message);
            else if (message.StartsWith("40"u8))
                _joined.TrySetResult(JsonNode.Parse(message[2..])!["sid"]!.GetValue<string>());
            else if (message.SequenceEqual("2"u8))
                Send(Text, "3"u8);
        }

        protected override void OnClosed() => _joined.TrySetException(new IOException("The yardstick closed the connection."));

        // What a browser's JSON.stringify writes; the default escapes quotes as \u0022, which is longer.
        private static readonly System.Text.Json.JsonSerializerOptions Compact = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }
}
