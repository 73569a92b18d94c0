using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

internal enum ChangeKind : byte
{
    ParentAssigned,
    StandbyAssigned,
    ChildAssigned,
    ChildRemoved,
    Waiting,
}

/// <summary>
/// One thing that a peer must be told, numbered per peer and stripe. A join takes some ten of them, so they are kept small: no kind has both
/// a depth and a position, or both a drain and an estimate.
/// </summary>
/// <param name="Other">The peer at the other end; null for a withdrawn standby and for waiting.</param>
/// <param name="Depth">With <see cref="ChangeKind.ParentAssigned"/>.</param>
/// <param name="DrainMs">With <see cref="ChangeKind.ChildRemoved"/>.</param>
/// <param name="Position">With <see cref="ChangeKind.Waiting"/>, as <paramref name="EstimateMs"/>.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Change(
    ChangeKind Kind,
    Peer Peer,
    long Version,
    Peer? Other = null,
    int Depth = 0,
    string Reason = "",
    bool IsStandby = false,
    int DrainMs = 0,
    int Position = 0,
    long EstimateMs = 0,
    int Stripe = 0)
{
    private readonly int _number = Kind == ChangeKind.Waiting ? Position : Depth;
    private readonly int _ms = Kind == ChangeKind.Waiting ? (int)Math.Min(EstimateMs, int.MaxValue) : DrainMs;
    private readonly byte _reason = Reasons.CodeOf(Reason);
    private readonly byte _stripe = (byte)Stripe;

    public int Depth => Kind == ChangeKind.Waiting ? 0 : _number;

    public string Reason => Reasons.NameOf(_reason);

    public int DrainMs => Kind == ChangeKind.Waiting ? 0 : _ms;

    public int Position => Kind == ChangeKind.Waiting ? _number : 0;

    public long EstimateMs => Kind == ChangeKind.Waiting ? _ms : 0;

    public int Stripe => _stripe;

    public string PeerId => Peer.Id;

    public string? OtherId => Other?.Id;
}

/// <summary>What operations did. To be used again and again: a tree that many join tells of several changes for each.</summary>
internal sealed class TreeDelta
{
    /// <summary>Who is told what; per peer and stripe in order.</summary>
    public List<Change> Changes { get; } = [];

    /// <summary>Whose record is new; in each stripe where it is.</summary>
    public List<Peer> Changed { get; } = [];

    /// <summary>Who is gone; once for each stripe.</summary>
    public List<string> Removed { get; } = [];

    public void Clear()
    {
        Changes.Clear();
        Changed.Clear();
        Removed.Clear();
    }
}

/// <summary>Why a peer has its parent.</summary>
internal static class Reasons
{
    public const string Joined = "joined";
    public const string ParentLeft = "parent_left";
    public const string ParentDegraded = "parent_degraded";
    public const string Preempted = "preempted";
    public const string Lifted = "lifted";
    public const string Resumed = "resumed";

    private static readonly string[] Names = ["", Joined, ParentLeft, ParentDegraded, Preempted, Lifted, Resumed];

    /// <summary>One byte instead of a reference for each peer; what is not known is nameless.</summary>
    public static byte CodeOf(string name) => (byte)Math.Max(0, Array.IndexOf(Names, name));

    public static string NameOf(byte code) => Names[code];
}

/// <summary>Why a peer stands where it stands.</summary>
internal sealed record Decision(string Reason, long AtMs, IReadOnlyList<DecisionCandidate> Candidates);

/// <param name="Verdict">Why it is not the parent; empty for the chosen one.</param>
internal sealed record DecisionCandidate(string PeerId, int Depth, int SpareSlots, double SpareUplinkMbps, double LatencyMs, bool Chosen, string Verdict, string? Region = null);

/// <summary>Distance from the capacity-sorted tree of the slots granted now.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Quality(double MeanDepth, double IdealMeanDepth, int MaxDepth, int IdealMaxDepth);
