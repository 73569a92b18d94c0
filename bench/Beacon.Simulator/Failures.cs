using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Topology.Mesh;

namespace Beacon.Simulator;

/// <summary>Many lose their parent in one moment.</summary>
internal static class Failures
{
    private const int WarmUps = 20;
    private const int Windows = 12;
    private const long WindowMs = 10_000;

    /// <summary>A part of the audience is gone at once.</summary>
    public static JsonObject Mass(Arguments options, TextWriter log) => Measure(options, log, (random, maxSlots) =>
    {
        var tree = Settled(random, options.Peers, maxSlots, superUplinkMbps: 0);
        var ids = tree.Peers.Where(peer => !peer.IsRoot).Select(peer => peer.Id).Order(StringComparer.Ordinal).ToArray();
        random.Shuffle(ids);
        return (tree, ids[..(int)Math.Round(options.Peers * options.Fraction)]);
    }, maxSlots: 8);

    /// <summary>One peer that feeds so many is gone.</summary>
    public static JsonObject SuperPeer(Arguments options, TextWriter log) => Measure(options, log, (random, maxSlots) =>
    {
        var tree = Settled(random, options.Peers, maxSlots, superUplinkMbps: options.Children * Workload.BitrateKbps / 800.0);
        var top = tree.Peers.Where(peer => !peer.IsRoot).MaxBy(peer => peer.Children.Count)!;
        return (tree, [top.Id]);
    }, options.Children);

    private static JsonObject Measure(Arguments options, TextWriter log, Func<Workload, int, (Tree Tree, string[] Lost)> prepare, int maxSlots)
    {
        for (var round = 1; round <= WarmUps; round++)
        {
            var (rehearsed, gone) = prepare(new Workload(options.Seed + round), maxSlots);
            rehearsed.Leave(gone, long.MaxValue / 2);
        }

        var (tree, lost) = prepare(new Workload(options.Seed), maxSlots);
        var isLost = lost.ToHashSet(StringComparer.Ordinal);
        var orphans = lost.SelectMany(id => tree.Find(id)!.Children).Where(child => !isLost.Contains(child.Id)).ToList();
        var withStandby = orphans.Count(orphan => orphan.Standby is not null);
        var spare = tree.SpareSlots;
        GC.Collect();
        var start = Stopwatch.GetTimestamp();
        tree.Leave(lost, nowMs: Windows * WindowMs);
        var healed = Stopwatch.GetElapsedTime(start);
        log.WriteLine($"{lost.Length} lost of {options.Peers}, {spare} slots were spare, {withStandby} orphans had a standby, seed {options.Seed}");
        return new JsonObject
        {
            ["orphans"] = orphans.Count,
            ["heal_ms"] = Math.Round(healed.TotalMilliseconds, 3),
            ["unplaced"] = tree.Count - 1 - tree.PlacedViewers,
            ["seed"] = options.Seed,
        };
    }

    /// <summary>An audience that has watched for two minutes.</summary>
    /// <param name="room">Viewers that may come on top.</param>
    public static Tree Settled(Workload workload, int peers, int maxSlots, double superUplinkMbps, int room = 0)
    {
        // Others than the one peer have what eight slots need at most.
        const double MostMbps = 25;
        var tree = new Tree(0, Engine.Rules(peers + room) with { MaxSlots = maxSlots });
        tree.SetRoot("root", Workload.RootUplinkMbps, maxChildren: 0);
        for (var i = 0; i < peers; i++)
        {
            var viewer = workload.Next();
            tree.Join(viewer.Id, i == 0 && superUplinkMbps > 0 ? superUplinkMbps : Math.Min(MostMbps, viewer.UplinkMbps), viewer.LatencyMs, nowMs: 0);
            if (i == 0 && superUplinkMbps > 0)
                tree.Proved(viewer.Id, maxSlots, nowMs: 0);
        }

        for (var window = 1; window <= Windows; window++)
        {
            foreach (var peer in tree.Peers.Where(peer => peer is { IsRoot: false, Children.Count: > 0 }).ToList())
                tree.Proved(peer.Id, peer.Children.Count, window * WindowMs);
            for (var tick = 0; tick < 10; tick++)
                tree.Tick(moves: 4, window * WindowMs);
        }

        tree.TakeDelta();
        return tree;
    }
}
