using System.Diagnostics;

namespace Beacon.Topology.Mesh;

/// <summary>Edges, depths and indices: what every decision is carried out with.</summary>
internal sealed partial class Tree
{
    /// <summary>
    /// Where a child can go, by depth and unreserved slots. Standbys give way to a child, so reserved slots count too: as rank 1 where another
    /// standby can share them, as rank 0 where it cannot.
    /// </summary>
    private readonly PlaceIndex _room = new(HeapKind.Room);

    /// <summary>Degraded parents with room: taken when there is nothing else.</summary>
    private readonly PlaceIndex _lastChoice = new(HeapKind.Room);

    /// <summary>Viewers without children, by depth and rank.</summary>
    private readonly PlaceIndex _leaves = new(HeapKind.Rank);

    /// <summary>Viewers with children, by depth and rank.</summary>
    private readonly PlaceIndex _relays = new(HeapKind.Rank);

    /// <summary>
    /// Subtrees without a parent whose peers are still in the indices: while one operation moves them, most of them come back at the depth
    /// they had, and then nothing below them has to be touched.
    /// </summary>
    private int _loose;

    /// <summary>Round trips that differ by less are equal: no measurement over the open network is better.</summary>
    private const float LatencyStepMs = 5;

    /// <summary>Slots that no child holds. Reservations for standbys are among them, since they give way to a child.</summary>
    public int SpareSlots { get; private set; }

    /// <summary>Links a peer and tells both ends.</summary>
    private void Adopt(Peer peer, Peer parent, string reason, long nowMs)
    {
        peer.Reason = reason;
        peer.AssignedAtMs = nowMs;
        peer.BadWindows = 0;
        RememberWhoMoved(peer, reason, nowMs);
        Link(peer, parent);
        // The parent's edge must know of the child before the child's offer comes.
        Tell(parent, ChangeKind.ChildAssigned, peer);
        Tell(peer, ChangeKind.ParentAssigned, parent);
        if (peer.Standby is null)
            WantStandby(peer);
    }

    private void Link(Peer child, Peer parent)
    {
        Debug.Assert(parent.IsAttached, "a parent leads to the root");
        if (child.IsLoose)
        {
            child.IsLoose = false;
            _loose--;
        }

        parent.AddChild(child);
        Grow(parent, child.Size);
        Squeeze(parent);
        Reindex(parent);
        MarkDirty(child);
        var branch = parent.IsRoot ? TakeBranch(child) : parent.Branch;
        if (child.Depth != parent.Depth + 1 || child.Branch != branch)
        {
            for (var below = child; below is not null; below = below.NextWithin(child))
            {
                SetBranch(below, branch);
                SetDepth(below, below.Parent!.Depth + 1);
            }
        }

        ReleaseBrokenStandbys(child);
    }

    private void Unlink(Peer child)
    {
        var parent = child.Parent!;
        parent.RemoveChild(child);
        Grow(parent, -child.Size);
        if (parent.IsRoot)
            _isTaken[child.Branch] = false;
        Reindex(parent);
        MarkDirty(child);
        if (child.IsAttached)
        {
            child.IsLoose = true;
            _loose++;
        }
    }

    /// <summary>Takes a subtree without parent out of the indices: it serves nobody until it has a place again.</summary>
    private void Detach(Peer top)
    {
        if (top.IsLoose)
        {
            top.IsLoose = false;
            _loose--;
        }

        foreach (var below in top.Subtree())
        {
            RevokeReservations(below, tell: true);
            SetBranch(below, NoBranch);
            SetDepth(below, -1);
        }
    }

    /// <summary>False for a peer in a subtree that is being moved: to be put below it could make a cycle.</summary>
    private bool LeadsToRoot(Peer peer)
    {
        if (_loose == 0)
            return peer.IsAttached;
        var top = peer;
        while (top.Parent is { } parent)
            top = parent;
        return top.IsRoot;
    }

    private static uint StepOf(float latencyMs) => (uint)(Math.Max(0, latencyMs) / LatencyStepMs);

    private void SetDepth(Peer peer, int depth)
    {
        CountDepth(peer, -1);
        peer.Depth = depth;
        CountDepth(peer, 1);
        Reindex(peer);
    }

    /// <summary>Puts a peer where it belongs now; nothing happens when it is there already.</summary>
    private void Reindex(Peer peer)
    {
        var isThere = peer.IsAttached && !peer.IsGone;
        var room = isThere ? Math.Max(0, peer.Room) : 0;
        var shares = peer.IsDegraded ? 0 : Math.Max(0, (room * Peer.MostSharing) - peer.HolderCount);
        var rank = shares == 0 ? Saturated : Math.Max(Shareable, Shareable + room - peer.HolderCount);
        SpareSlots += room - peer.CountedRoom;
        _shares += shares - peer.CountedShares;
        peer.CountedRoom = (short)room;
        peer.CountedShares = (short)shares;

        // The nearest parent first; of equals who came first.
        var nearest = ((ulong)StepOf(peer.LatencyMs) << 32) | peer.Order;

        var roomHeap = room == 0 ? null : (peer.IsDegraded ? _lastChoice : _room).Heap(peer.Depth, rank);
        if (!ReferenceEquals(peer.RoomHeap, roomHeap) || (roomHeap is not null && roomHeap.KeyOf(peer) != nearest))
        {
            peer.RoomHeap?.Remove(peer);
            roomHeap?.Add(peer, nearest);
        }

        // Of equals in rank the oldest is the first to rise and the latest the first to yield: who has stayed long stays longer. What
        // comes has the highest number, so it goes to the heap's end without a step.
        var rankHeap = !isThere || peer.IsRoot ? null : (peer.ChildCount == 0 ? _leaves : _relays).Heap(peer.Depth, peer.Rank);
        if (!ReferenceEquals(peer.RankHeap, rankHeap))
        {
            peer.RankHeap?.Remove(peer);
            rankHeap?.Add(peer, peer.Order);
        }
    }
}
