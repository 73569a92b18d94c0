using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Topology.Mesh;

namespace Beacon.Simulator;

/// <summary>An audience that comes at once: what a join costs, and how good the tree is that comes of it.</summary>
internal static class FlashCrowd
{
    /// <summary>Joins between two deltas, as the owner of a stream batches them.</summary>
    private const int Batch = 128;

    private const int WarmUpPeers = 50_000;

    public static JsonObject Run(Arguments options, TextWriter log)
    {
        // The same code runs in this process for hours; the first seconds of a compiler are not its speed.
        for (var round = 0; round < 4; round++)
            Join(new Workload(options.Seed + round + 1), WarmUpPeers);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var measured = Join(new Workload(options.Seed), options.Peers);
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before - (measured.Ticks.LongLength * sizeof(long));
        var tree = measured.Tree;

        log.WriteLine($"{options.Peers / measured.Processor.TotalSeconds:F0} joins in a second of processor time, {options.Peers / measured.Elapsed.TotalSeconds:F0} by the clock on the wall");
        Array.Sort(measured.Ticks);
        var placed = tree.Peers.Where(peer => peer is { IsAttached: true, IsRoot: false }).ToList();
        var ideal = Ideal.Of(tree.Root!.Slots, placed.Select(peer => peer.Slots));
        log.WriteLine($"{options.Peers} joins, {tree.WaitingCount} wait, {tree.Peers.Count(peer => peer.Standby is not null)} have a standby, {measured.Changes} directives");
        var report = new JsonObject
        {
            ["peers"] = options.Peers,
            ["joins_per_s"] = Math.Round(options.Peers / measured.Elapsed.TotalSeconds),
            ["join_p50_us"] = Micros(measured.Ticks, 0.50),
            ["join_p99_us"] = Micros(measured.Ticks, 0.99),
            ["mean_depth"] = Math.Round(placed.Average(peer => peer.Depth), 4),
            ["ideal_mean_depth"] = Math.Round(ideal.Mean, 4),
            ["max_depth"] = placed.Max(peer => peer.Depth),
            ["ideal_max_depth"] = ideal.Max,
            ["bytes_per_peer"] = Math.Round((double)bytes / options.Peers, 1),
            ["seed"] = options.Seed,
        };
        GC.KeepAlive(tree);
        return report;
    }

    private static Measured Join(Workload workload, int peers)
    {
        var ticks = new long[peers];
        var tree = new Tree(0, Engine.Rules(peers));
        tree.SetRoot("root", Workload.RootUplinkMbps, maxChildren: 0);
        var delta = new TreeDelta();
        var changes = 0L;
        var elapsed = TimeSpan.Zero;
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        for (var first = 0; first < peers; first += Batch)
        {
            // Ids come from the network, not from the engine: making them is not its cost, keeping them is.
            var batch = new Viewer[Math.Min(Batch, peers - first)];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = workload.Next();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < batch.Length; i++)
            {
                var at = Stopwatch.GetTimestamp();
                tree.Join(batch[i].Id, batch[i].UplinkMbps, batch[i].LatencyMs, nowMs: first + i);
                ticks[first + i] = Stopwatch.GetTimestamp() - at;
            }

            tree.TakeDelta(delta);
            changes += delta.Changes.Count;
            delta.Clear();
            elapsed += Stopwatch.GetElapsedTime(start);
        }

        processor = Process.GetCurrentProcess().TotalProcessorTime - processor;
        return new Measured(tree, ticks, elapsed, processor, changes);
    }

    private static double Micros(long[] sorted, double share) =>
        Math.Round(sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * share)] * 1e6 / Stopwatch.Frequency, 2);

    private sealed record Measured(Tree Tree, long[] Ticks, TimeSpan Elapsed, TimeSpan Processor, long Changes);
}
