using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Ledger.Operations;

namespace Beacon.Benchmarks;

/// <summary>
/// Tips through the production writer, by callers that each wait for the answer before the next, in slices; between them
/// the disk alone is measured. Every tip is one transfer: its stream has one recipient.
/// </summary>
internal static class LedgerVerb
{
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SyncSlice = TimeSpan.FromMilliseconds(250);

    private static readonly Option<int> Callers = Verb.Number("--callers", 256, 1, 65_536, "Callers at a time");
    private static readonly Option<int> Seconds = Verb.Number("--seconds", 10, 1, 3_600, "Measured seconds of load");
    private static readonly Option<int> WarmUp = Verb.Number("--warm-up", 5, 0, 600, "Seconds of load before, until the compiler is done");
    private static readonly Option<bool> Compare = new("--compare") { Description = "Also, slice by slice: the writing alone, one transaction a transfer, naive EF Core, one statement a transfer." };
    private static readonly Option<string?> Postgres = new("--postgres") { Description = "The connection string of an empty PostgreSQL database, in the place of a file." };
    private static readonly Option<string> Folder = new("--directory") { Description = "Where the files are made", DefaultValueFactory = _ => Path.GetTempPath() };

    public static Command Create() =>
        Verb.Create("ledger", "Tips through the ledger's writer, against the bare disk.", [Callers, Seconds, WarmUp, Compare, Postgres, Folder], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult options, TextWriter log, CancellationToken cancellationToken)
    {
        var callers = options.GetValue(Callers);
        var seconds = options.GetValue(Seconds);
        var folder = options.GetValue(Folder)!;
        await using var bench = await LedgerBench.StartAsync(folder, callers, options.GetValue(Postgres));
        using var sync = new RawSync(folder);
        using var fsync = new RawSync(folder, withTimes: true);
        var rivals = options.GetValue(Compare) ? Rival.All(folder) : [];
        // Half of the callers wait while the other half is written.
        using var alone = options.GetValue(Compare) ? new StoreAlone(folder, Math.Max(1, callers / 2)) : null;
        await log.WriteLineAsync($"warming up for {options.GetValue(WarmUp)} s, then {seconds} s of {callers} callers; files in {folder}");

        var warm = new Load(bench, callers);
        for (var i = 0; i < options.GetValue(WarmUp); i++)
            await warm.RunAsync(Slice, cancellationToken);
        foreach (var rival in rivals)
            await rival.RunAsync(SyncSlice);
        alone?.Run(Slice);

        var load = new Load(bench, callers);
        foreach (var rival in rivals)
            rival.Forget();
        alone?.Forget();
        var (commits, requests) = (bench.Commits, bench.Requests);
        for (var i = 0; i < seconds; i++)
        {
            sync.Run(SyncSlice);
            fsync.Run(SyncSlice);
            await load.RunAsync(Slice, cancellationToken);
            alone?.Run(Slice);
            foreach (var rival in rivals)
                await rival.RunAsync(Slice);
        }

        var perSecond = load.Done / load.Elapsed.TotalSeconds;
        var report = new JsonObject
        {
            ["verb"] = "ledger",
            ["callers"] = callers,
            ["seconds"] = seconds,
            ["transfers"] = load.Done,
            ["transfers_per_s"] = Math.Round(perSecond),
            ["fdatasync_per_s"] = Math.Round(sync.PerSecond),
            ["ratio"] = Math.Round(perSecond / sync.PerSecond, 2),
            ["cpu_us_per_transfer"] = Math.Round(load.Cpu.TotalMicroseconds / load.Done, 2),
            ["p50_ms"] = Math.Round(load.Latencies.Milliseconds(50), 3),
            ["p99_ms"] = Math.Round(load.Latencies.Milliseconds(99), 3),
            ["fdatasync_p50_ms"] = Math.Round(sync.Latencies.Milliseconds(50), 3),
            ["fdatasync_p99_ms"] = Math.Round(sync.Latencies.Milliseconds(99), 3),
            ["fsync_per_s"] = Math.Round(fsync.PerSecond),
            ["fsync_p99_ms"] = Math.Round(fsync.Latencies.Milliseconds(99), 3),
            ["batch_mean"] = Math.Round((bench.Requests - requests) / (double)(bench.Commits - commits), 1),
            ["bytes_allocated_per_transfer"] = load.Allocated / load.Done,
        };
        if (alone is not null)
            report["store_alone"] = alone.Report(sync.PerSecond);
        if (rivals.Count > 0)
            report["compare"] = new JsonObject(rivals.Select(rival => KeyValuePair.Create(rival.Name, (JsonNode?)rival.Report(sync.PerSecond))));
        foreach (var rival in rivals)
            rival.Dispose();
        return report;
    }

    /// <summary>The callers, and what they saw.</summary>
    private sealed class Load(LedgerBench bench, int callers)
    {
        private long _done;

        public Latencies Latencies { get; } = new();

        public long Done => _done;

        public TimeSpan Elapsed { get; private set; }

        public TimeSpan Cpu { get; private set; }

        public long Allocated { get; private set; }

        public async Task RunAsync(TimeSpan duration, CancellationToken cancellationToken)
        {
            using var process = Process.GetCurrentProcess();
            var allocated = GC.GetTotalAllocatedBytes();
            var cpu = process.TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            var until = started + (long)(duration.TotalSeconds * Stopwatch.Frequency);
            await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => CallAsync(caller, until, cancellationToken)));
            Elapsed += Stopwatch.GetElapsedTime(started);
            process.Refresh();
            Cpu += process.TotalProcessorTime - cpu;
            Allocated += GC.GetTotalAllocatedBytes() - allocated;
        }

        private async Task CallAsync(int caller, long until, CancellationToken cancellationToken)
        {
            // Off the thread that starts the others.
            await Task.Yield();
            var wallet = LedgerBench.Wallet(caller);
            var random = new Random(caller);
            var done = 0;
            var before = Stopwatch.GetTimestamp();
            while (before < until)
            {
                var tip = new Tip(wallet, wallet, LedgerBench.Stream(random.Next(LedgerBench.Streams)), random.Next(1, 1_000), LedgerBench.NewId(random));
                (await bench.Writer.ExecuteAsync(tip.Decide, waitForRoom: true, cancellationToken)).OrThrow();
                var after = Stopwatch.GetTimestamp();
                Latencies.Add(after - before);
                before = after;
                done++;
            }

            Interlocked.Add(ref _done, done);
        }
    }
}
