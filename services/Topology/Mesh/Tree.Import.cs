namespace Beacon.Topology.Mesh;

/// <summary>A viewer that is handed over from another tree.</summary>
/// <param name="ParentId">Its parent there; null, or somebody who does not come along, for the top of a subtree.</param>
/// <param name="Region">Null = unknown.</param>
internal sealed record Arrival(string Id, double UplinkMbps, double LatencyMs, string? ParentId, string? Region = null);

internal sealed partial class Tree
{
    /// <summary>
    /// An audience comes over with the shape that it had, in one operation. Whole subtrees are placed, the strongest tops first; who has
    /// more children than slots here (all start slowly again) gives the rest up, and those find places of their own. Parents stand
    /// before their children in the list.
    /// </summary>
    public void Import(IReadOnlyList<Arrival> arrivals, long nowMs)
    {
        var here = new Dictionary<string, Peer>(StringComparer.Ordinal);
        var tops = new List<Peer>();
        foreach (var arrival in arrivals)
        {
            var peer = Arrive(arrival.Id, arrival.UplinkMbps, arrival.LatencyMs, arrival.Region);
            here.Add(arrival.Id, peer);
            if (arrival.ParentId is { } id && here.TryGetValue(id, out var parent) && parent.Room > 0)
                parent.AddChild(peer);
            else
                tops.Add(peer);
        }

        tops.Sort(static (x, y) => x.Slots != y.Slots ? y.Slots.CompareTo(x.Slots) : x.Order.CompareTo(y.Order));
        foreach (var top in tops)
        {
            if (!TryPlace(top, Reasons.Joined, nowMs))
            {
                Enqueue(top, orphan: false, nowMs);
                continue;
            }

            TellBelow(top, nowMs);
        }

        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>The edges inside of a subtree that came along are as new to their ends as the one at its top.</summary>
    private void TellBelow(Peer top, long nowMs)
    {
        foreach (var below in top.Subtree())
        {
            if (below.Reason.Length > 0 || below.Parent is not { } parent)
                continue;
            below.Reason = Reasons.Joined;
            below.AssignedAtMs = nowMs;
            MarkDirty(below);
            Tell(parent, ChangeKind.ChildAssigned, below);
            Tell(below, ChangeKind.ParentAssigned, parent);
            WantStandby(below);
        }
    }
}
