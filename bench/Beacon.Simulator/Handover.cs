using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Topology.Mesh;

namespace Beacon.Simulator;

/// <summary>The audience of one stream comes over into the live tree of another, in one operation.</summary>
internal static class Handover
{
    private const long AtMs = 3_600_000;
    private const int Rehearsals = 4;

    public static JsonObject Run(Arguments options, TextWriter log)
    {
        for (var round = 1; round <= Rehearsals; round++)
            Prepare(options, options.Seed + round).Target.Import(Prepare(options, options.Seed + round).Arrivals, AtMs);
        var (target, arrivals) = Prepare(options, options.Seed);
        var own = target.Peers.Where(peer => !peer.IsRoot).Select(peer => peer.Id).ToHashSet(StringComparer.Ordinal);
        GC.Collect();
        var start = Stopwatch.GetTimestamp();
        target.Import(arrivals, AtMs);
        var elapsed = Stopwatch.GetElapsedTime(start);
        var moves = target.TakeDelta().Changes
            .Where(change => change.Kind == ChangeKind.ParentAssigned && own.Contains(change.PeerId))
            .CountBy(change => change.PeerId, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);

        var placed = target.Peers.Where(peer => peer is { IsAttached: true, IsRoot: false }).ToList();
        var ideal = Ideal.Of(target.Root!.Slots, placed.Select(peer => peer.Slots));
        log.WriteLine($"{moves.Count} viewers of the target were moved, seed {options.Seed}");
        return new JsonObject
        {
            ["peers"] = options.Peers,
            ["into"] = options.Into,
            ["import_ms"] = Math.Round(elapsed.TotalMilliseconds, 3),
            ["mean_depth"] = Math.Round(placed.Average(peer => peer.Depth), 4),
            ["ideal_mean_depth"] = Math.Round(ideal.Mean, 4),
            ["max_depth"] = placed.Max(peer => peer.Depth),
            ["ideal_max_depth"] = ideal.Max,
            ["kept_parent_share"] = Math.Round((double)arrivals.Count(arrival => arrival.ParentId is { } parent && target.Find(arrival.Id)!.Parent?.Id == parent) / arrivals.Count, 4),
            ["moved_of_target"] = moves.Count,
            ["most_moves_of_one"] = moves.Values.DefaultIfEmpty().Max(),
            ["unplaced"] = target.Count - 1 - target.PlacedViewers,
            ["seed"] = options.Seed,
        };
    }

    private static (Tree Target, List<Arrival> Arrivals) Prepare(Arguments options, int seed)
    {
        // One workload, so that no viewer is in both audiences.
        var workload = new Workload(seed);
        var target = Failures.Settled(workload, options.Into, maxSlots: 8, superUplinkMbps: 0, room: options.Peers);
        var source = Failures.Settled(workload, options.Peers, maxSlots: 8, superUplinkMbps: 0);
        var arrivals = source.Peers.Where(peer => !peer.IsRoot)
            .OrderBy(peer => peer.Depth)
            .ThenBy(peer => peer.Id, StringComparer.Ordinal)
            .Select(peer => new Arrival(peer.Id, peer.UplinkMbps, peer.LatencyMs, peer.Parent is { IsRoot: false } parent ? parent.Id : null))
            .ToList();
        return (target, arrivals);
    }
}
