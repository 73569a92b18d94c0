namespace Beacon.Topology.Mesh;

/// <summary>Who has no place: those who had one before come first, those who are placed last come last, and else it is first come first served.</summary>
internal sealed class WaitingList
{
    private const int RememberedAdmissions = 1_024;
    private const long MinuteMs = 60_000;

    private readonly SortedSet<Peer> _peers = new(new InOrder());
    private readonly Queue<long> _admissions = new();
    private long _last;

    public int Count => _peers.Count;

    public IEnumerable<Peer> Peers => _peers;

    public void Add(Peer peer, bool orphan)
    {
        peer.WaitsAsOrphan = orphan;
        peer.WaitingSince = ++_last;
        peer.WaitingPosition = 0;
        _peers.Add(peer);
    }

    /// <summary>From 1.</summary>
    public int PositionOf(Peer peer)
    {
        // Who has just come is the last one.
        if (ReferenceEquals(_peers.Max, peer))
            return _peers.Count;
        var position = 1;
        foreach (var other in _peers)
        {
            if (ReferenceEquals(other, peer))
                break;
            position++;
        }

        return position;
    }

    /// <summary>Takes a peer out that keeps its number, see <see cref="Restore"/>.</summary>
    public void Suspend(Peer peer) => _peers.Remove(peer);

    /// <summary>Puts a peer back with the number it had.</summary>
    public void Restore(Peer peer)
    {
        _last = Math.Max(_last, peer.WaitingSince);
        _peers.Add(peer);
    }

    public void Remove(Peer peer)
    {
        _peers.Remove(peer);
        peer.WaitingSince = 0;
        peer.WaitingPosition = 0;
    }

    public void Admitted(long nowMs)
    {
        if (_admissions.Count == RememberedAdmissions)
            _admissions.Dequeue();
        _admissions.Enqueue(nowMs);
    }

    /// <summary>Expected wait at this position by the last minute's admissions; 0 = nobody was admitted, so nobody knows.</summary>
    public long EstimateMs(int position, long nowMs)
    {
        while (_admissions.TryPeek(out var at) && at < nowMs - MinuteMs)
            _admissions.Dequeue();
        return _admissions.Count == 0 ? 0 : position * MinuteMs / _admissions.Count;
    }

    private sealed class InOrder : IComparer<Peer>
    {
        public int Compare(Peer? x, Peer? y)
        {
            var byShare = x!.RidesFree.CompareTo(y!.RidesFree);
            var byClass = byShare != 0 ? byShare : y.WaitsAsOrphan.CompareTo(x.WaitsAsOrphan);
            return byClass != 0 ? byClass : x.WaitingSince.CompareTo(y.WaitingSince);
        }
    }
}
