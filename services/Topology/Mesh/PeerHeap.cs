using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>Which of a peer's two memberships a heap is about.</summary>
internal enum HeapKind
{
    /// <summary>Where there is room for a child.</summary>
    Room,

    /// <summary>Who may be displaced by a stronger peer.</summary>
    Rank,
}

/// <summary>
/// Peers by key, the least first. Four children to a node keep the path short, and the keys lie in the heap itself, so that a
/// comparison touches no peer: with a million of them each would be a cache miss. A peer knows its position, so that any one of them
/// is removed in O(log n).
/// </summary>
internal sealed class PeerHeap(HeapKind kind, PlaceIndex index, int depth, int rank)
{
    private const int Arity = 4;

    /// <summary>The crowd moves down as a tree fills: what it leaves behind is given back.</summary>
    private const int SmallestToShrink = 64;

    private Entry[] _entries = new Entry[Arity];

    public int Count { get; private set; }

    public Peer this[int at] => _entries[at].Peer;

    /// <summary>One of those with the highest keys: the end of the heap.</summary>
    public Peer Latest => _entries[Count - 1].Peer;

    public ulong KeyOf(Peer peer) => _entries[At(peer)].Key;

    public void Add(Peer peer, ulong key)
    {
        if (Count == _entries.Length)
            Array.Resize(ref _entries, Count + (Count / 2) + 1);
        if (kind == HeapKind.Room)
            peer.RoomHeap = this;
        else
            peer.RankHeap = this;
        if (Count == 0)
            index.Flip(depth, rank);
        Up(Count++, new Entry(key, peer));
    }

    public void Remove(Peer peer)
    {
        var at = At(peer);
        if (kind == HeapKind.Room)
            peer.RoomHeap = null;
        else
            peer.RankHeap = null;
        var last = _entries[--Count];
        _entries[Count] = default;
        if (Count == 0)
            index.Flip(depth, rank);
        if (_entries.Length > SmallestToShrink && Count < _entries.Length / 4)
            Array.Resize(ref _entries, _entries.Length / 2);
        if (at == Count)
            return;
        if (at > 0 && last.Key < _entries[(at - 1) / Arity].Key)
            Up(at, last);
        else
            Down(at, last);
    }

    private int At(Peer peer) => kind == HeapKind.Room ? peer.RoomAt : peer.RankAt;

    private void Up(int at, Entry entry)
    {
        while (at > 0)
        {
            var above = (at - 1) / Arity;
            if (_entries[above].Key <= entry.Key)
                break;
            Put(at, _entries[above]);
            at = above;
        }

        Put(at, entry);
    }

    private void Down(int at, Entry entry)
    {
        while (true)
        {
            var first = (at * Arity) + 1;
            if (first >= Count)
                break;
            var least = first;
            var end = Math.Min(first + Arity, Count);
            for (var child = first + 1; child < end; child++)
            {
                if (_entries[child].Key < _entries[least].Key)
                    least = child;
            }

            if (_entries[least].Key >= entry.Key)
                break;
            Put(at, _entries[least]);
            at = least;
        }

        Put(at, entry);
    }

    private void Put(int at, Entry entry)
    {
        _entries[at] = entry;
        if (kind == HeapKind.Room)
            entry.Peer.RoomAt = at;
        else
            entry.Peer.RankAt = at;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(ulong Key, Peer Peer);
}
