namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Parents looked at per level in search of a standby: enough that a place outside the excluded subtree is all but certain when there is one.</summary>
    private const int ProbesPerLevel = 16;

    private const int RepairsPerOperation = 8;
    private const int RepairsPerTick = 256;

    private readonly Queue<Peer> _wantStandby = new();
    private readonly HashSet<Peer> _wanted = [];

    /// <summary>Standbys as last told, of the peers whose standby changed in this operation: they hear the outcome, not each step.</summary>
    private readonly Dictionary<Peer, Peer?> _standbyBefore = [];

    private int _unreserved;

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
            : !standby.IsWithin(parent);
    }

    private void WantStandby(Peer peer)
    {
        if (!peer.IsRoot && _wanted.Add(peer))
            _wantStandby.Enqueue(peer);
    }

    private void QueueMissingStandbys()
    {
        if (_unreserved <= 0)
            return;
        foreach (var peer in _peers.Values)
        {
            if (peer is { IsAttached: true, Standby: null })
                WantStandby(peer);
        }
    }

    private void RepairStandbys(int repairs)
    {
        if (_unreserved <= 0)
        {
            // Nothing to give. Tick asks again for all who lack one.
            _wantStandby.Clear();
            _wanted.Clear();
        }

        while (repairs-- > 0 && _unreserved > 0 && _wantStandby.TryDequeue(out var peer))
        {
            _wanted.Remove(peer);
            if (peer is { IsAttached: true, Standby: null } && FindStandby(peer) is { } standby)
                Reserve(peer, standby);
        }

        foreach (var (peer, before) in _standbyBefore)
        {
            if (!ReferenceEquals(peer.Standby, before))
                Tell(peer, ChangeKind.StandbyAssigned, peer.Standby);
        }

        _standbyBefore.Clear();
    }

    /// <summary>
    /// The own parent's level first, so that its use leaves the depth as it is; then deeper levels; shallower ones last, which
    /// newcomers need more.
    /// </summary>
    private Peer? FindStandby(Peer peer)
    {
        var level = peer.Parent!.Depth;
        for (var depth = level; depth < _free.Depths; depth++)
        {
            if (Probe(depth) is { } found)
                return found;
        }

        for (var depth = level - 1; depth >= 0; depth--)
        {
            if (Probe(depth) is { } found)
                return found;
        }

        return null;

        Peer? Probe(int depth) => _free.At(depth).Take(ProbesPerLevel).FirstOrDefault(other => MayBeStandby(peer, other));
    }

    private void Reserve(Peer peer, Peer standby)
    {
        _standbyBefore.TryAdd(peer, peer.Standby);
        Unindex(standby);
        standby.Reserved.Add(peer);
        Index(standby);
        peer.Standby = standby;
        _dirty.Add(peer);
        Tell(standby, ChangeKind.ChildAssigned, peer, standby: true);
    }

    /// <summary>The reservation is over; who holds it is not told, because it becomes something else or the holder is gone.</summary>
    private void Unreserve(Peer peer, Peer standby)
    {
        _standbyBefore.TryAdd(peer, standby);
        Unindex(standby);
        standby.Reserved.Remove(peer);
        Index(standby);
        peer.Standby = null;
        _dirty.Add(peer);
    }

    private void ReleaseStandby(Peer peer, bool tell)
    {
        if (peer.Standby is not { } standby)
            return;
        Unreserve(peer, standby);
        if (tell)
            Tell(standby, ChangeKind.ChildRemoved, peer);
        WantStandby(peer);
    }

    private void RevokeReservations(Peer standby, bool tell)
    {
        for (var i = standby.Reserved.Count - 1; i >= 0; i--)
            ReleaseStandby(standby.Reserved[i], tell);
    }

    private void RevokeLastReservation(Peer standby) => ReleaseStandby(standby.Reserved[^1], tell: true);

    /// <summary>A child is worth more than a reservation.</summary>
    private void MakeRoom(Peer parent)
    {
        if (parent.FreeSlots == 0)
            RevokeLastReservation(parent);
    }
}
