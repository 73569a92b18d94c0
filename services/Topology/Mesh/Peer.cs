using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>A peer's place in one tree. Only <see cref="Tree"/> changes it.</summary>
internal sealed class Peer
{
    internal Peer(string id, bool isRoot)
    {
        Id = id;
        IsRoot = isRoot;
    }

    public string Id { get; }

    public bool IsRoot { get; }

    /// <summary>As claimed, in Mbit/s.</summary>
    public double UplinkMbps { get; internal set; }

    /// <summary>As reported, in milliseconds; 0 = not measured.</summary>
    public double LatencyMs { get; internal set; }

    /// <summary>Granted now.</summary>
    public int Slots { get; internal set; }

    public Peer? Parent { get; internal set; }

    /// <summary>The second parent, which holds a slot reserved for this peer.</summary>
    public Peer? Standby { get; internal set; }

    public List<Peer> Children { get; } = [];

    /// <summary>Peers whose standby this is.</summary>
    public List<Peer> Reserved { get; } = [];

    /// <summary>Hops from the root, 0 for the root itself; -1 while no path leads to the root.</summary>
    public int Depth { get; internal set; } = -1;

    /// <summary>Number of the last directive to this peer.</summary>
    public long Version { get; internal set; }

    /// <summary>Why the parent was assigned.</summary>
    public string Reason { get; internal set; } = "";

    /// <summary>When the parent was assigned, in Unix milliseconds.</summary>
    public long AssignedAtMs { get; internal set; }

    /// <summary>Until then the peer is the last choice as a parent; 0 = it is a good one.</summary>
    public long DegradedUntilMs { get; internal set; }

    public int Strikes { get; internal set; }

    public int BadWindows { get; internal set; }

    /// <summary>Its number in the waiting list; 0 = it does not wait.</summary>
    public long WaitingSince { get; internal set; }

    /// <summary>It had a place before: such peers are admitted first.</summary>
    public bool WaitsAsOrphan { get; internal set; }

    public int WaitingPosition { get; internal set; }

    public bool IsAttached => Depth >= 0;

    public bool IsWaiting => WaitingSince > 0;

    public bool IsDegraded => DegradedUntilMs > 0;

    public int FreeSlots => Slots - Children.Count - Reserved.Count;

    /// <summary>The sets of the indices that hold this peer now.</summary>
    internal SortedSet<Peer>? SlotSet { get; set; }

    internal SortedSet<Peer>? LeafSet { get; set; }

    /// <summary>True when <paramref name="ancestor"/> is this peer or above it.</summary>
    public bool IsWithin(Peer ancestor)
    {
        for (var peer = this; peer is not null; peer = peer.Parent)
        {
            if (ReferenceEquals(peer, ancestor))
                return true;
        }

        return false;
    }

    /// <summary>This peer and all below it, parents before children.</summary>
    public IEnumerable<Peer> Subtree()
    {
        if (Children.Count == 0)
        {
            yield return this;
            yield break;
        }

        var queue = new Queue<Peer>();
        queue.Enqueue(this);
        while (queue.TryDequeue(out var peer))
        {
            foreach (var child in peer.Children)
                queue.Enqueue(child);
            yield return peer;
        }
    }
}

internal enum ChangeKind
{
    ParentAssigned,
    StandbyAssigned,
    ChildAssigned,
    ChildRemoved,
    Waiting,
}

/// <summary>One thing that a peer must be told, numbered per peer.</summary>
/// <param name="OtherId">The peer at the other end; null for a withdrawn standby and for waiting.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Change(
    ChangeKind Kind,
    string PeerId,
    long Version,
    string? OtherId = null,
    int Depth = 0,
    string Reason = "",
    bool IsStandby = false,
    int DrainMs = 0,
    int Position = 0,
    long EstimateMs = 0);

/// <summary>What a batch of operations did: who is told what, in order; whose record is new; who is gone.</summary>
internal sealed record TreeDelta(IReadOnlyList<Change> Changes, IReadOnlyCollection<Peer> Changed, IReadOnlyCollection<string> Removed);

/// <summary>Why a peer has its parent.</summary>
internal static class Reasons
{
    public const string Joined = "joined";
    public const string ParentLeft = "parent_left";
    public const string ParentDegraded = "parent_degraded";
    public const string Preempted = "preempted";
    public const string Lifted = "lifted";
    public const string Resumed = "resumed";
}

/// <summary>The last decision about a peer's place.</summary>
internal sealed record Decision(string Reason, long AtMs, IReadOnlyList<DecisionCandidate> Candidates);

/// <param name="Verdict">Why it was not chosen; empty for the chosen one.</param>
internal sealed record DecisionCandidate(string PeerId, int Depth, int SpareSlots, double SpareUplinkMbps, double LatencyMs, bool Chosen, string Verdict);

/// <summary>Distance from the capacity-sorted tree of the slots granted now.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Quality(double MeanDepth, double IdealMeanDepth, int MaxDepth, int IdealMaxDepth);
