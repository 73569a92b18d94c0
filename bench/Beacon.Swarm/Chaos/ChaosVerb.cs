using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>
/// Parts of a cluster are killed, paused and parted, one after the other, while people watch and tip. After each of these all has to be as if
/// nothing had been: every viewer in one tree and fed, every tip booked once.
/// </summary>
internal static class ChaosVerb
{
    /// <summary>A picture that stands still for so long is one that people see stop.</summary>
    private const double PictureBreakMs = 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);

    private static readonly Option<int> Viewers = Beacon.Benchmarks.Verb.Number("--viewers", 120, 8, 5_000, "Synthetic viewers.");
    private static readonly Option<int> Streams = Beacon.Benchmarks.Verb.Number("--streams", 4, 1, 50, "Streams that they watch.");
    private static readonly Option<int> PictureViewers = Beacon.Benchmarks.Verb.Number("--pictures", 10, 0, 100, "Viewers of one more stream, over real data channels.");
    private static readonly Option<int> Tippers = Beacon.Benchmarks.Verb.Number("--tippers", 6, 1, 100, "People who tip, about five times a second each.");
    private static readonly Option<int> Replicas = Beacon.Benchmarks.Verb.Number("--replicas", 2, 1, 5, "Of Signaling, Topology and Raids.");
    private static readonly Option<int> OutageSeconds = Beacon.Benchmarks.Verb.Number("--outage-seconds", 10, 1, 600, "How long a service is away, or the way between two parts.");
    private static readonly Option<int> StoreOutageSeconds = Beacon.Benchmarks.Verb.Number("--store-outage-seconds", 60, 1, 600, "How long Redis or RabbitMQ is away.");
    private static readonly Option<string> Faults = new("--faults") { Description = "Which, with commas between: kill-, pause- and a part, or cut- and two of them.", DefaultValueFactory = _ => "all" };
    private static readonly Option<string> Logs = new("--logs") { Description = "A directory for what the services wrote.", DefaultValueFactory = _ => "" };

    public static Command Command() => Beacon.Benchmarks.Verb.Create(
        "chaos",
        "A cluster of real processes with a real Redis and RabbitMQ, whose parts are killed, paused and parted while people watch and tip.",
        [Viewers, Streams, PictureViewers, Tippers, Replicas, OutageSeconds, StoreOutageSeconds, Faults, Logs],
        RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        var (stores, missing) = await Stores.StartAsync();
        if (stores is null)
            return new JsonObject { ["skipped"] = missing };
        await using (stores)
            return await RunAsync(stores, asked, log, cancellation);
    }

    private static async Task<JsonObject> RunAsync(Stores stores, ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        await using var cluster = new BeaconCluster(stores, Settings, asked.GetValue(Replicas));
        var faults = Chosen(
            Fault.All(cluster, stores, TimeSpan.FromSeconds(asked.GetValue(OutageSeconds)), TimeSpan.FromSeconds(asked.GetValue(StoreOutageSeconds))), asked.GetValue(Faults)!);
        if (asked.GetValue(PictureViewers) > 0)
            await NodePeers.BuildAsync(cancellation);
        await log.WriteLineAsync("the cluster starts");
        await cluster.StartAsync();
        try
        {
            using var crowd = new Crowd(Server.Elsewhere(cluster.Http, null, BeaconServer.OperatorKey));
            using var rest = new RestClient(cluster.Http);
            await log.WriteLineAsync("the audience comes");
            await using var pictures = asked.GetValue(PictureViewers) is var count and > 0 ? await Pictures.StartAsync(cluster.Http, count, cancellation) : null;
            await using var audience = await Audience.StartAsync(crowd, asked.GetValue(Streams), asked.GetValue(Viewers));
            await using var tips = await Tips.StartAsync(rest, BeaconServer.OperatorKey, asked.GetValue(Tippers), [.. audience.Roots.Select(root => root.StreamId)]);
            var scene = new Scene(cluster, rest, audience, pictures, tips, log);
            if (await scene.SettleAsync(cancellation) is { Count: > 0 } problems)
                throw new InvalidOperationException($"Not even before the first fault: {string.Join("; ", problems)}");

            var rows = new JsonArray();
            foreach (var fault in faults)
            {
                var row = await scene.SufferAsync(fault, cancellation);
                // A long run is read as it goes.
                await log.WriteLineAsync(row.ToJsonString());
                rows.Add(row);
            }

            return new JsonObject
            {
                ["stores"] = stores.Kind,
                ["viewers"] = asked.GetValue(Viewers),
                ["streams"] = asked.GetValue(Streams),
                ["pictures"] = asked.GetValue(PictureViewers),
                ["faults"] = rows,
                ["tips_refused"] = new JsonArray([.. tips.Refusals.CountBy(refusal => refusal).Select(refusal => (JsonNode)$"{refusal.Key}: {refusal.Value}")]),
            };
        }
        finally
        {
            if (asked.GetValue(Logs) is { Length: > 0 } directory)
                await KeepLogsAsync(cluster, directory, cancellation);
        }
    }

    /// <summary>What one machine full of people needs; all that decides how things heal is as in production.</summary>
    private static Dictionary<string, string> Settings { get; } = new(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Warning",
        ["Beacon:Signaling:HandshakesPerSecondPerAddress"] = "100000",
        ["Beacon:Signaling:HandshakeBurstPerAddress"] = "100000",
        ["Beacon:Signaling:GuestsPerSecondPerAddress"] = "100000",
        ["Beacon:Signaling:GuestBurstPerAddress"] = "100000",
        // The whole run is one sign-in.
        ["Beacon:Signaling:AccessTokenMinutes"] = "15",
    };

    private static List<Fault> Chosen(IReadOnlyList<Fault> all, string names)
    {
        if (names == "all")
            return [.. all];
        return [.. names.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => all.FirstOrDefault(fault => fault.Name == name)
            ?? throw new InvalidOperationException($"There is no fault '{name}'; there are {string.Join(", ", all.Select(fault => fault.Name))}."))];
    }

    private static async Task KeepLogsAsync(BeaconCluster cluster, string directory, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory);
        foreach (var (name, service) in cluster.Services)
            await File.WriteAllTextAsync(Path.Combine(directory, $"{name}.log"), service.Output, cancellation);
    }

    /// <summary>All who take part, and what is seen of them.</summary>
    private sealed class Scene(BeaconCluster cluster, RestClient rest, Audience audience, Pictures? pictures, Tips tips, TextWriter log)
    {
        private readonly List<string> _restarted = [];

        public async Task<JsonObject> SufferAsync(Fault fault, CancellationToken cancellation)
        {
            await log.WriteLineAsync(fault.Name);
            audience.BeginAnew();
            if (pictures is not null)
                await pictures.BeginAnewAsync(cancellation);
            await fault.BeginAsync();
            var newcomers = audience.Stir();
            await Task.Delay(fault.Outage, TimeProvider.System, cancellation);
            await fault.EndAsync();
            var endedAt = Stopwatch.GetTimestamp();
            _restarted.Clear();
            var problems = await SettleAsync(cancellation);
            var settled = Stopwatch.GetElapsedTime(endedAt);

            var times = audience.TimesOut(newcomers);
            var gaps = pictures is null ? [] : (await pictures.StatsAsync(cancellation)).Select(viewer => viewer.LongestBreakMs).ToList();
            var audit = await tips.AuditAsync(cancellation);
            return new JsonObject
            {
                ["fault"] = fault.Name,
                ["viewers_interrupted"] = times.Count,
                ["recover_p50_ms"] = times.Count == 0 ? 0 : Ms(times[times.Count / 2]),
                ["recover_max_ms"] = times.Count == 0 ? 0 : Ms(times[^1]),
                ["credits_lost"] = Credits(audit.LostMicrocredits),
                ["credits_doubled"] = Credits(audit.DoubledMicrocredits),
                ["outage_ms"] = Ms(fault.Outage),
                ["newcomer_max_ms"] = newcomers.Count == 0 ? 0 : Ms(newcomers.Max(newcomer => newcomer.LongestOut)),
                ["pictures_stopped"] = gaps.Count(gap => gap > PictureBreakMs),
                ["picture_gap_max_ms"] = gaps.Count == 0 ? 0 : Math.Round(gaps.Max()),
                ["tips"] = audit.Acknowledged,
                ["tip_max_ms"] = Ms(audit.LongestWait),
                ["ledger_sum"] = Credits(audit.SumMicrocredits),
                ["restarted"] = new JsonArray([.. _restarted.Select(name => (JsonNode)name)]),
                ["settled_ms"] = Ms(settled),
                ["problems"] = new JsonArray([.. problems.Select(problem => (JsonNode)problem)]),
            };
        }

        /// <summary>Waits until nothing is wrong; what is still wrong when patience ends is given back.</summary>
        public async Task<IReadOnlyList<string>> SettleAsync(CancellationToken cancellation)
        {
            var began = Stopwatch.GetTimestamp();
            while (true)
            {
                await RestartAsync();
                var problems = await ProblemsAsync(cancellation);
                if (problems.Count == 0 || Stopwatch.GetElapsedTime(began) > Patience)
                    return problems;
                await Task.Delay(Glance, TimeProvider.System, cancellation);
            }
        }

        private async Task<IReadOnlyList<string>> ProblemsAsync(CancellationToken cancellation)
        {
            try
            {
                return
                [
                    .. await audience.ProblemsAsync(rest),
                    .. pictures is null ? [] : await pictures.ProblemsAsync(await TreeView.ReadAsync(rest, pictures.StreamId), cancellation),
                ];
            }
            catch (Exception exception) when (exception is HttpRequestException or TimeoutException)
            {
                return [exception.Message];
            }
        }

        /// <summary>A process that ended by itself is started again, as every orchestrator does: one that others took for dead gives up.</summary>
        private async Task RestartAsync()
        {
            var ended = cluster.Services.Where(service => service.Value.HasExited).ToList();
            await Task.WhenAll(ended.Select(service => service.Value.StartAsync()));
            _restarted.AddRange(ended.Select(service => service.Key));
        }

        private static double Ms(TimeSpan time) => Math.Round(time.TotalMilliseconds);

        private static double Credits(long microcredits) => microcredits / 1e6;
    }
}
