using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>Real data channels: headless relays in processes of Node, in the tree that a real server makes of them.</summary>
internal static class Media
{
    /// <summary>Twice the grace time after which a lost session's place is given up, and the time a switch takes.</summary>
    private static readonly TimeSpan HealingTime = TimeSpan.FromSeconds(4);

    private static readonly Option<int> Peers = Beacon.Benchmarks.Verb.Number("--peers", 60, 8, 1_000, "Viewers of the one stream.");
    private static readonly Option<int> PeersPerProcess = Beacon.Benchmarks.Verb.Number("--peers-per-process", 15, 1, 200, "Viewers that share a process of Node; those that are killed have one each.");
    private static readonly Option<int> Kills = Beacon.Benchmarks.Verb.Number("--kills", 3, 0, 50, "Interior relays that are killed, one after the other.");
    private static readonly Option<int> Seconds = Beacon.Benchmarks.Verb.Number("--seconds", 15, 2, 600, "How long the quiet tree is measured.");
    private static readonly Option<int> BitrateKbps = Beacon.Benchmarks.Verb.Number("--bitrate", 300, 32, 5_000, "Of the stream, in kbit/s.");
    private static readonly Option<int> FramesPerSecond = Beacon.Benchmarks.Verb.Number("--fps", 15, 2, 60, "Pictures a second.");
    private static readonly Option<int> Children = Beacon.Benchmarks.Verb.Number("--children", 2, 1, 4, "Slots of the broadcaster and of each viewer.");

    public static Command Command() => Beacon.Benchmarks.Verb.Create(
        "media",
        "Real data channels between headless relays: latency a hop, what arrives, the gap after a relay is killed, the broadcaster's share of the load.",
        [Peers, PeersPerProcess, Kills, Seconds, BitrateKbps, FramesPerSecond, Children],
        RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        await NodePeers.BuildAsync(cancellation);
        // The slots are what the uplink says from the first moment, and parents are those that are asked for: the tree is to be deep, not to be proved.
        await using var server = await Server.StartAsync(Live.SelfHostSettings);
        var (count, kills, bitrate) = (asked.GetValue(Peers), asked.GetValue(Kills), asked.GetValue(BitrateKbps));
        var url = server.Http.GetLeftPart(UriPartial.Authority);
        var processes = new List<NodePeers>();
        try
        {
            await using var root = NodePeers.Start("root", url, Text("--bitrate", bitrate), Text("--fps", asked.GetValue(FramesPerSecond)), Text("--children", asked.GetValue(Children)));
            var hello = await root.HearAsync(cancellation);
            var streamId = hello["streamId"]!.GetValue<string>();

            await log.WriteLineAsync("join");
            var uplink = (asked.GetValue(Children) + 0.5) * bitrate / 1000 / 0.8;
            var victims = new List<NodePeers>();
            for (var left = count; left > 0;)
            {
                // The first ones are the nearest to the broadcaster, and have the most below them.
                var isVictim = victims.Count < kills;
                var peers = isVictim ? 1 : Math.Min(left, asked.GetValue(PeersPerProcess));
                var process = NodePeers.Start("viewers", url, streamId, Text("--peers", peers), $"--uplink={uplink.ToString(CultureInfo.InvariantCulture)}");
                processes.Add(process);
                await process.HearAsync(cancellation);
                if (isVictim)
                    victims.Add(process);
                left -= peers;
            }

            var rootId = hello["peerId"]!.GetValue<string>();
            var report = new JsonObject { ["peers"] = count, ["processes"] = processes.Count + 1, ["bitrate_kbps"] = bitrate };
            await SettleAsync(processes, rootId, count, cancellation);
            await log.WriteLineAsync("quiet");
            await QuietAsync(report, root, processes, rootId, asked.GetValue(Seconds), cancellation);
            await log.WriteLineAsync("kill");
            await KillAsync(report, processes, victims, cancellation);
            return report;
        }
        finally
        {
            foreach (var process in processes)
                await process.DisposeAsync();
        }
    }

    /// <summary>Waits until everybody is fed by somebody.</summary>
    private static async Task SettleAsync(List<NodePeers> processes, string rootId, int count, CancellationToken cancellation)
    {
        var startedAt = Stopwatch.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (true)
        {
            var depths = DepthsOf(await NodeTree.StatsAsync(processes, cancellation), rootId);
            if (depths.Count == count)
                return;
            if (Stopwatch.GetElapsedTime(startedAt) > TimeSpan.FromSeconds(90))
                throw new TimeoutException($"Only {depths.Count} of {count} viewers are fed.");
            await tick.WaitForNextTickAsync(cancellation);
        }
    }

    private static async Task QuietAsync(JsonObject report, NodePeers root, List<NodePeers> processes, string rootId, int seconds, CancellationToken cancellation)
    {
        await Task.WhenAll(processes.Select(process => process.AskAsync("begin", cancellation)));
        var (before, rootBefore) = (await NodeTree.StatsAsync(processes, cancellation), await root.AskAsync("stats", cancellation));
        using (var wait = new PeriodicTimer(TimeSpan.FromSeconds(seconds)))
            await wait.WaitForNextTickAsync(cancellation);
        var (after, rootAfter) = (await NodeTree.StatsAsync(processes, cancellation), await root.AskAsync("stats", cancellation));

        var depths = DepthsOf(after, rootId);
        var fed = after.Where(peer => depths.ContainsKey(peer.PeerId)).ToList();
        var byDepth = fed.ToLookup(peer => depths[peer.PeerId], peer => peer.LatencyMs).OrderBy(level => level.Key).Select(level => (Depth: level.Key, LatencyMs: Median.Of(level))).ToList();
        report["depth_max"] = byDepth[^1].Depth;
        report["depth_mean"] = Math.Round(depths.Values.Average(), 2);
        report["latency_ms_by_depth"] = new JsonArray([.. byDepth.Select(level => (JsonNode)Math.Round(level.LatencyMs, 1))]);
        report["latency_ms_per_hop"] = Math.Round((byDepth[^1].LatencyMs - byDepth[0].LatencyMs) / Math.Max(1, byDepth[^1].Depth - byDepth[0].Depth), 2);
        report["delivered_share"] = Math.Round(fed.Sum(peer => peer.Chunks) / (double)Math.Max(1, fed.Sum(peer => peer.Span)), 6);

        var sent = Grown(rootBefore, rootAfter, "bytesSent");
        var played = after.Sum(peer => peer.BytesPlayed) - before.Sum(peer => peer.BytesPlayed);
        var received = after.Sum(peer => peer.BytesReceived) - before.Sum(peer => peer.BytesReceived);
        report["root_children"] = rootAfter["children"]!.GetValue<int>();
        report["root_egress_copies"] = Math.Round(sent / (double)Grown(rootBefore, rootAfter, "bytesPublished"), 2);
        report["offload_percent"] = Math.Round(100 * (1 - (sent / (double)played)), 2);
        // While a peer changes its parent, both send.
        report["received_twice_percent"] = Math.Round(100 * Math.Max(0, (received / (double)played) - 1), 2);
    }

    /// <summary>Kills processes without a word, one after the other, and asks the survivors for the longest time without a chunk.</summary>
    private static async Task KillAsync(JsonObject report, List<NodePeers> processes, List<NodePeers> victims, CancellationToken cancellation)
    {
        var (gaps, others, killed, lost) = (new List<double>(), new List<double>(), 0, 0L);
        foreach (var victim in victims)
        {
            var before = await NodeTree.StatsAsync(processes, cancellation);
            var victimId = (await NodeTree.StatsAsync([victim], cancellation))[0].PeerId;
            var below = Below(before, victimId);
            processes.Remove(victim);
            if (below.Count == 0)
                continue;
            killed++;
            await Task.WhenAll(processes.SelectMany(process => new[] { process.AskAsync("begin", cancellation), process.AskAsync("forget", cancellation) }));
            await victim.DisposeAsync();
            using (var wait = new PeriodicTimer(HealingTime))
                await wait.WaitForNextTickAsync(cancellation);
            foreach (var peer in await NodeTree.StatsAsync(processes, cancellation))
            {
                (below.Contains(peer.PeerId) ? gaps : others).Add(peer.LongestBreakMs);
                lost += peer.Span - peer.Chunks;
            }
        }

        report["killed"] = killed;
        report["kill_hit"] = gaps.Count;
        if (gaps.Count == 0)
            return;
        gaps.Sort();
        report["kill_gap_p50_ms"] = Math.Round(gaps[gaps.Count / 2], 1);
        report["kill_gap_p95_ms"] = Math.Round(gaps[(int)(0.95 * (gaps.Count - 1))], 1);
        report["kill_gap_max_ms"] = Math.Round(gaps[^1], 1);
        report["kill_chunks_missed"] = lost;
        // The same measure of those that had nothing to do with it: what the machine itself makes everybody wait.
        report["kill_bystander_gap_p50_ms"] = Math.Round(Median.Of(others), 1);
    }

    private static Dictionary<string, int> DepthsOf(List<NodeViewer> peers, string rootId) => NodeTree.DepthsOf(peers.Select(peer => (peer.PeerId, peer.Parent)), rootId);

    private static HashSet<string> Below(List<NodeViewer> peers, string peerId) => [.. DepthsOf(peers, peerId).Keys];

    private static long Grown(JsonNode before, JsonNode after, string name) => after[name]!.GetValue<long>() - before[name]!.GetValue<long>();

    private static string Text(string option, int value) => $"{option}={value.ToString(CultureInfo.InvariantCulture)}";
}
