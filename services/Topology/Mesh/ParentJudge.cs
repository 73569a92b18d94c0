using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>What a parent's children say of it over one window.</summary>
/// <param name="Bad">More than half of them are failed by it.</param>
/// <param name="ProvenChildren">Children that verifiably got what the parent itself got.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ParentVerdict(string ParentId, bool Bad, int ProvenChildren);

/// <summary>Judges parents by the median of their children's views, never by what they say of themselves.</summary>
internal static class ParentJudge
{
    /// <summary>A child that got this share of its parent's intake was served in full.</summary>
    private const double FullService = 0.8;

    /// <param name="latencyMs">A child's round trip to its parent.</param>
    /// <param name="answered">True when the peer proved in this window that it receives the stream.</param>
    public static IReadOnlyList<ParentVerdict> Judge(
        IReadOnlyList<Delivery> deliveries, Func<string, double> latencyMs, Func<string, bool> answered, TreeRules rules, int windowMs)
    {
        var intake = deliveries.ToDictionary(delivery => delivery.ChildId, delivery => delivery.ReceivedBytes, StringComparer.Ordinal);
        var verdicts = new List<ParentVerdict>();
        foreach (var children in deliveries.Where(delivery => delivery.WholeWindow).GroupBy(delivery => delivery.ParentId, StringComparer.Ordinal))
        {
            // The root has no intake to compare with, and nobody to be replaced by.
            if (!intake.TryGetValue(children.Key, out var received))
                continue;
            // Children starve only while there is something to give: a quiet or slow broadcast is nobody's fault.
            var starving = Math.Min(rules.DegradedUploadMbps, Mbps(received) / 2);
            var views = children.ToList();
            var bad = views.Count(view => Mbps(view.ReceivedBytes) < starving || latencyMs(view.ChildId) > rules.DegradedLatencyMs);
            var proven = received == 0 ? 0 : views.Count(view => answered(view.ChildId) && view.VerifiedBytes >= FullService * received);
            verdicts.Add(new ParentVerdict(children.Key, bad * 2 > views.Count, proven));
        }

        return verdicts;

        double Mbps(long bytes) => bytes * 8.0 / windowMs / 1000;
    }
}
