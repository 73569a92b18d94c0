namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Parents looked at per level in search of a standby: enough that a place outside the excluded subtree is all but certain when there is one.</summary>
    private const int ProbesPerLevel = 16;

    private const int RepairsPerOperation = 4;
    private const int RepairsPerTick = 256;

    /// <summary>A search in vain looks everywhere, so one of so many may be.</summary>
    private const int RepairsPerFailure = 4;

    /// <summary>Up to so many peers a moved subtree is walked through; beyond, the way up from it is shorter.</summary>
    private const int SmallSubtree = 32;

    /// <summary>Peers without a standby, who waits longest first. May hold peers that are gone or have one meanwhile.</summary>
    private readonly Queue<Peer> _wantStandby = new();

    /// <summary>Standbys as last told, of the peers whose standby changed in this operation: they hear the outcome, not each step.</summary>
    private readonly List<(Peer Peer, Peer? Before)> _standbyBefore = [];

    /// <summary>Ranks in the index of room: nobody else can reserve here, only by sharing, and from there on a slot of one's own.</summary>
    private const int Saturated = 0;
    private const int Shareable = 1;

    /// <summary>Reservations that healthy attached peers could take on, shared ones counted.</summary>
    private int _shares;

    /// <summary>Peers that have a standby.</summary>
    public int StandbyCount { get; private set; }

    /// <summary>
    /// A standby must survive what takes the parent away: it is neither the parent nor below it. Below the root are all, and without
    /// the root there is no stream, so the root's children only keep clear of their own subtree.
    /// </summary>
    internal static bool MayBeStandby(Peer peer, Peer standby)
    {
        if (peer.Parent is not { } parent)
            return !standby.IsWithin(peer);
        return parent.IsRoot
            ? !standby.IsRoot && !standby.IsWithin(peer)
            : !IsBelow(standby, parent);
    }

    /// <summary>As <see cref="Peer.IsWithin"/>, but climbs only as far as the other one stands.</summary>
    private static bool IsBelow(Peer peer, Peer top)
    {
        var at = peer;
        while (at is not null && at.Depth > top.Depth)
            at = at.Parent;
        return ReferenceEquals(at, top);
    }

    private void WantStandby(Peer peer)
    {
        if (peer.IsRoot || peer.WantsStandby)
            return;
        peer.WantsStandby = true;
        _wantStandby.Enqueue(peer);
        // Who is gone leaves the queue when its turn comes, which may be never while there is nothing to give.
        if (_wantStandby.Count <= (2 * _peers.Count) + 64)
            return;
        for (var left = _wantStandby.Count; left > 0; left--)
        {
            var wanting = _wantStandby.Dequeue();
            if (!wanting.IsGone)
                _wantStandby.Enqueue(wanting);
        }
    }

    private void RepairStandbys(int repairs)
    {
        var failures = repairs / RepairsPerFailure;
        for (var left = Math.Min(repairs, _wantStandby.Count); left > 0 && failures > 0 && _shares > 0; left--)
        {
            var peer = _wantStandby.Dequeue();
            peer.WantsStandby = false;
            if (peer.IsGone || peer.IsRoot || peer.Standby is not null || !peer.IsAttached)
                continue;
            if (FindStandby(peer) is { } standby)
                Reserve(peer, standby);
            else
            {
                WantStandby(peer);
                failures--;
            }
        }

        foreach (var (peer, before) in _standbyBefore)
        {
            peer.IsStandbyChanged = false;
            if (!peer.IsGone && !ReferenceEquals(peer.Standby, before))
                Tell(peer, ChangeKind.StandbyAssigned, peer.Standby);
        }

        _standbyBefore.Clear();
    }

    /// <summary>
    /// The own parent's level first, so that its use leaves the depth as it is; then deeper levels; shallower ones last, which
    /// newcomers need more. A slot is shared only when there is none of its own.
    /// </summary>
    private Peer? FindStandby(Peer peer)
    {
        const ulong OfItsOwn = ~3UL;
        const ulong Shared = 1UL << Shareable;
        return FindStandby(peer, OfItsOwn) ?? FindStandby(peer, Shared);
    }

    private Peer? FindStandby(Peer peer, ulong ranks)
    {
        var level = peer.Parent!.Depth;
        for (var depth = level; depth < _room.Depths; depth++)
        {
            if (ProbeStandby(peer, depth, ranks) is { } found)
                return found;
        }

        for (var depth = level - 1; depth >= 0; depth--)
        {
            if (ProbeStandby(peer, depth, ranks) is { } found)
                return found;
        }

        return null;
    }

    private Peer? ProbeStandby(Peer peer, int depth, ulong among)
    {
        var probes = ProbesPerLevel;
        for (var ranks = _room.RanksAt(depth) & among; ranks != 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
        {
            var heap = _room.At(depth, PlaceIndex.Highest(ranks));
            for (var at = 0; at < heap.Count; at++)
            {
                if (MayBeStandby(peer, heap[at]) && MayFeed(heap[at], peer) && HasShareFor(peer, heap[at]))
                    return heap[at];
                if (--probes == 0)
                    return null;
            }
        }

        return null;
    }

    /// <summary>Those with one parent are lost together and need a slot each.</summary>
    private static bool HasShareFor(Peer peer, Peer standby) =>
        standby.HolderCount < standby.Room || standby.HoldersBelow(peer.Parent) < standby.Room;

    private void Reserve(Peer peer, Peer standby)
    {
        NoteStandby(peer);
        standby.AddHolder(peer);
        StandbyCount++;
        Reindex(standby);
        MarkDirty(peer);
        Tell(standby, ChangeKind.ChildAssigned, peer, standby: true);
    }

    /// <summary>The reservation is over; who holds it is not told, because it becomes something else or the holder is gone.</summary>
    private void Unreserve(Peer peer, Peer standby)
    {
        NoteStandby(peer);
        standby.RemoveHolder(peer);
        StandbyCount--;
        Reindex(standby);
        MarkDirty(peer);
    }

    private void NoteStandby(Peer peer)
    {
        if (peer.IsStandbyChanged)
            return;
        peer.IsStandbyChanged = true;
        _standbyBefore.Add((peer, peer.Standby));
    }

    private void ReleaseStandby(Peer peer, bool tell)
    {
        if (peer.Standby is not { } standby)
            return;
        Unreserve(peer, standby);
        if (tell && !standby.IsGone)
            Tell(standby, ChangeKind.ChildRemoved, peer);
        if (!peer.IsGone)
            WantStandby(peer);
    }

    private void RevokeReservations(Peer standby, bool tell)
    {
        while (standby.FirstHolder is { } holder)
            ReleaseStandby(holder, tell);
    }

    /// <summary>A child is worth more than a reservation: who no longer fits into what is left gives way.</summary>
    private void Squeeze(Peer standby)
    {
        while (standby.HolderCount > standby.Room && Surplus(standby) is { } holder)
            ReleaseStandby(holder, tell: true);
    }

    private static Peer? Surplus(Peer standby)
    {
        var tooMany = standby.HolderCount > standby.Room * Peer.MostSharing;
        for (var holder = standby.FirstHolder; holder is not null; holder = holder.NextHolder)
        {
            // Whose parent is gone is on its way here, and comes before all others.
            if (tooMany ? holder.Parent is { IsGone: false } : standby.HoldersBelow(holder.Parent) > standby.Room)
                return holder;
        }

        return tooMany ? standby.FirstHolder : null;
    }

    /// <summary>
    /// A subtree has a new place. Standbys that would now be lost together with what they stand by for are given up: its own, and those that
    /// others have inside of it. The others are children of its new ancestors, so they are found from either side.
    /// </summary>
    private void ReleaseBrokenStandbys(Peer moved)
    {
        if (moved.Standby is { } standby && (!MayBeStandby(moved, standby) || standby.HoldersBelow(moved.Parent) > standby.Room))
            ReleaseStandby(moved, tell: true);
        var walked = 0;
        for (var below = moved; below is not null; below = below.NextWithin(moved))
        {
            if (++walked > SmallSubtree)
            {
                ReleaseBrokenFromAbove(moved);
                return;
            }

            for (var holder = below.FirstHolder; holder is not null;)
            {
                var next = holder.NextHolder;
                if (!MayBeStandby(holder, below))
                    ReleaseStandby(holder, tell: true);
                holder = next;
            }
        }
    }

    private void ReleaseBrokenFromAbove(Peer moved)
    {
        for (var above = moved.Parent!; above.Parent is { } next; above = next)
        {
            if (next.IsRoot && above.Standby is { } own && IsBelow(own, moved))
                ReleaseStandby(above, tell: true);
            for (var child = above.FirstChild; child is not null; child = child.NextSibling)
            {
                if (child.Standby is { } other && IsBelow(other, moved))
                    ReleaseStandby(child, tell: true);
            }
        }
    }
}
