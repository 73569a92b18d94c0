using System.Collections;
using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// A peer's place in one tree. Only <see cref="Tree"/> changes it. Neighbours are chained through the peers themselves and the
/// indices know a peer's position, so that a peer costs one object and every link and unlink is O(1).
/// </summary>
internal sealed class Peer
{
    /// <summary>Holders that one reserved slot stands in for: the loss of a parent uses it once, the others get a new standby then.</summary>
    public const int MostSharing = 3;

    private byte _reason;

    internal Peer(string id, bool isRoot, uint order)
    {
        Id = id;
        IsRoot = isRoot;
        Order = order;
    }

    public string Id { get; }

    public bool IsRoot { get; internal set; }

    /// <summary>What the tree's user keeps of this peer. No decision looks at it.</summary>
    public object? Tag { get; set; }

    /// <summary>As claimed, in Mbit/s.</summary>
    public double UplinkMbps { get; internal set; }

    /// <summary>As reported, in milliseconds; 0 = not measured.</summary>
    public float LatencyMs { get; internal set; }

    /// <summary>The number of its region, see <see cref="Regions"/>; 0 = unknown.</summary>
    internal ushort Region { get; set; }

    /// <summary>Granted now.</summary>
    public int Slots { get; internal set; }

    public Peer? Parent { get; internal set; }

    /// <summary>The second parent, which holds a slot reserved for this peer.</summary>
    public Peer? Standby { get; internal set; }

    public PeerChain Children => new(FirstChild, ChildCount, isOfChildren: true);

    /// <summary>Peers whose standby this is.</summary>
    public PeerChain Reserved => new(FirstHolder, HolderCount, isOfChildren: false);

    /// <summary>Hops from the root, 0 for the root itself; -1 while no path leads to the root.</summary>
    public int Depth { get; internal set; } = -1;

    /// <summary>Number of the last directive to this peer.</summary>
    public long Version { get; internal set; }

    /// <summary>Why the parent was assigned.</summary>
    public string Reason
    {
        get => Reasons.NameOf(_reason);
        internal set => _reason = Reasons.CodeOf(value);
    }

    /// <summary>When the parent was assigned, in Unix milliseconds.</summary>
    public long AssignedAtMs { get; internal set; }

    /// <summary>Until then the peer is the last choice as a parent; 0 = it is a good one.</summary>
    public long DegradedUntilMs { get; internal set; }

    public byte Strikes { get; internal set; }

    public byte BadWindows { get; internal set; }

    /// <summary>Its number in the waiting list; 0 = it does not wait.</summary>
    public long WaitingSince { get; internal set; }

    /// <summary>It refuses to relay, and such are placed last.</summary>
    public bool RidesFree { get; internal set; }

    /// <summary>It had a place before: such peers are admitted first.</summary>
    public bool WaitsAsOrphan { get; internal set; }

    public int WaitingPosition { get; internal set; }

    public bool IsAttached => Depth >= 0;

    public bool IsWaiting => WaitingSince > 0;

    public bool IsDegraded => DegradedUntilMs > 0;

    /// <summary>Slots that no child holds.</summary>
    public int Room => Slots - ChildCount;

    /// <summary>Slots that neither a child nor a standby needs, however closely the standbys share theirs.</summary>
    public int FreeSlots => Slots - ChildCount - ReservedSlots;

    /// <summary>
    /// Slots that the holders need at the least: those with one parent are lost together and need one each, others can share, so many to a
    /// slot at most.
    /// </summary>
    public int ReservedSlots
    {
        get
        {
            var most = (HolderCount + MostSharing - 1) / MostSharing;
            for (var holder = FirstHolder; holder is not null; holder = holder.NextHolder)
                most = Math.Max(most, HoldersBelow(holder.Parent));
            return most;
        }
    }

    /// <summary>Peers in its subtree, itself among them, but for what has grown since the tree was last counted.</summary>
    internal int Size { get; set; } = 1;

    /// <summary>Peers that came below it since then, less those that left; its ancestors do not know of them yet.</summary>
    internal int Growth { get; set; }

    internal bool HasGrown { get; set; }

    /// <summary>The number of the root's child that it is below, or is; 0 = none.</summary>
    internal byte Branch { get; set; }

    /// <summary>Slots that the next proof would bring: what is claimed counts so far, and no further.</summary>
    internal ushort Prospect { get; set; }

    /// <summary>Strength: what is granted and what is next, so that of two newcomers the one that can grow comes to the top, where it is proved.</summary>
    internal byte Rank { get; set; }

    /// <summary>Who came first has the lower one.</summary>
    internal uint Order { get; }

    internal Peer? FirstChild { get; set; }

    internal Peer? NextSibling { get; set; }

    internal Peer? PreviousSibling { get; set; }

    internal ushort ChildCount { get; set; }

    internal Peer? FirstHolder { get; set; }

    internal Peer? NextHolder { get; set; }

    internal Peer? PreviousHolder { get; set; }

    internal ushort HolderCount { get; set; }

    /// <summary>The heap of places that holds this peer, and where in it.</summary>
    internal PeerHeap? RoomHeap { get; set; }

    internal int RoomAt { get; set; }

    /// <summary>The heap of possible victims of a preemption that holds this peer, and where in it.</summary>
    internal PeerHeap? RankHeap { get; set; }

    internal int RankAt { get; set; }

    /// <summary>What the tree's sums hold of this peer now.</summary>
    internal short CountedRoom { get; set; }

    internal short CountedShares { get; set; }

    /// <summary>It has no parent for a moment, and its subtree is still in the indices.</summary>
    internal bool IsLoose { get; set; }

    internal bool IsDirty { get; set; }

    internal bool IsGone { get; set; }

    internal bool WantsStandby { get; set; }

    internal bool IsStandbyChanged { get; set; }

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

    /// <summary>This peer and all below it, parents before children. The next one is found when it is asked for.</summary>
    public IEnumerable<Peer> Subtree()
    {
        for (var peer = this; peer is not null; peer = peer.NextWithin(this))
            yield return peer;
    }

    /// <summary>The peer after this one in a walk through the subtree of <paramref name="top"/>.</summary>
    internal Peer? NextWithin(Peer top)
    {
        if (FirstChild is not null)
            return FirstChild;
        for (var peer = this; !ReferenceEquals(peer, top); peer = peer.Parent!)
        {
            if (peer.NextSibling is not null)
                return peer.NextSibling;
        }

        return null;
    }

    /// <summary>Of those whose standby this is, how many have this parent.</summary>
    internal int HoldersBelow(Peer? parent)
    {
        var count = 0;
        for (var holder = FirstHolder; holder is not null; holder = holder.NextHolder)
        {
            if (ReferenceEquals(holder.Parent, parent))
                count++;
        }

        return count;
    }

    internal void AddChild(Peer child)
    {
        child.Parent = this;
        child.NextSibling = FirstChild;
        if (FirstChild is not null)
            FirstChild.PreviousSibling = child;
        FirstChild = child;
        ChildCount++;
    }

    internal void RemoveChild(Peer child)
    {
        if (child.PreviousSibling is null)
            FirstChild = child.NextSibling;
        else
            child.PreviousSibling.NextSibling = child.NextSibling;
        if (child.NextSibling is not null)
            child.NextSibling.PreviousSibling = child.PreviousSibling;
        child.Parent = child.NextSibling = child.PreviousSibling = null;
        ChildCount--;
    }

    internal void AddHolder(Peer holder)
    {
        holder.Standby = this;
        holder.NextHolder = FirstHolder;
        if (FirstHolder is not null)
            FirstHolder.PreviousHolder = holder;
        FirstHolder = holder;
        HolderCount++;
    }

    internal void RemoveHolder(Peer holder)
    {
        if (holder.PreviousHolder is null)
            FirstHolder = holder.NextHolder;
        else
            holder.PreviousHolder.NextHolder = holder.NextHolder;
        if (holder.NextHolder is not null)
            holder.NextHolder.PreviousHolder = holder.PreviousHolder;
        holder.Standby = holder.NextHolder = holder.PreviousHolder = null;
        HolderCount--;
    }
}

/// <summary>The children or the standby holders of a peer, the latest first. Do not change the chain while it is walked.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct PeerChain(Peer? first, int count, bool isOfChildren) : IReadOnlyCollection<Peer>
{
    public int Count => count;

    public Enumerator GetEnumerator() => new(first, isOfChildren);

    IEnumerator<Peer> IEnumerable<Peer>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    [StructLayout(LayoutKind.Auto)]
    internal struct Enumerator(Peer? first, bool isOfChildren) : IEnumerator<Peer>
    {
        private Peer? _next = first;

        public Peer Current { get; private set; } = null!;

        readonly object IEnumerator.Current => Current;

        public bool MoveNext()
        {
            if (_next is null)
                return false;
            Current = _next;
            _next = isOfChildren ? _next.NextSibling : _next.NextHolder;
            return true;
        }

        public readonly void Reset() => throw new NotSupportedException();

        public readonly void Dispose()
        {
        }
    }
}
