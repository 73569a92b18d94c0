using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;

namespace Beacon.Benchmarks;

/// <summary>Windows in which very many relays are paid, each through the production path: the first opens all the wallets, the later ones find them.</summary>
internal static class SettleVerb
{
    private static readonly Option<int> Relays = Verb.Number("--relays", 100_000, 1, 10_000_000, "Relays paid in a window");
    private static readonly Option<int> Windows = Verb.Number("--windows", 3, 1, 100, "Windows, one after the other");
    private static readonly Option<string> Folder = new("--directory") { Description = "Where the file is made", DefaultValueFactory = _ => Path.GetTempPath() };

    public static Command Create() => Verb.Create("settle", "Pays one window of a stream with very many relays.", [Relays, Windows, Folder], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult options, TextWriter log, CancellationToken cancellationToken)
    {
        var relays = options.GetValue(Relays);
        await using var bench = await LedgerBench.StartAsync(options.GetValue(Folder)!, 1);
        var seconds = new List<double>();
        var longest = 0.0;
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        for (var window = 1; window <= options.GetValue(Windows); window++)
        {
            var settle = new SettleWindow(
                LedgerBench.Stream(0), "host-0", window, 10_000, relays, [.. Enumerable.Range(0, relays).Select(relay => new RelayWork($"relay-{relay}", 1_250_000 + relay))]);
            var started = Stopwatch.GetTimestamp();
            var settled = settle.RunAsync(bench.Writer, bench.Options, cancellationToken).AsTask();
            // Somebody who wants a word with the writer meanwhile.
            while (!settled.IsCompleted)
            {
                var asked = Stopwatch.GetTimestamp();
                await bench.DoAsync(_ => true);
                longest = Math.Max(longest, Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            var status = await settled;
            seconds.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            if (status != PostingStatus.Posted)
                throw new InvalidOperationException($"The window was not posted: {status}.");
            await log.WriteLineAsync($"window {window}: {seconds[^1]:F3} s");
        }

        process.Refresh();
        return new JsonObject
        {
            ["verb"] = "settle",
            ["relays"] = relays,
            ["windows"] = seconds.Count,
            ["seconds"] = Math.Round(seconds.Max(), 3),
            ["transfers_per_s"] = Math.Round(relays / seconds.Max()),
            ["seconds_median"] = Math.Round(seconds.Order().ElementAt(seconds.Count / 2), 3),
            ["others_wait_max_ms"] = Math.Round(longest, 1),
            ["cpu_us_per_transfer"] = Math.Round((process.TotalProcessorTime - cpu).TotalMicroseconds / relays / seconds.Count, 2),
        };
    }
}
