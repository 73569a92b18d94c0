using System.Numerics;

namespace Beacon.Topology.Mesh;

/// <summary>
/// Attached peers by depth and, within a depth, by a small number such as their spare slots; a heap for each pair. One word per depth says
/// which heaps hold anybody, so that the best peer at the least depth is found by looking at a handful of words, and a change is
/// O(log n).
/// </summary>
internal sealed class PlaceIndex(HeapKind kind)
{
    /// <summary>Numbers from here on share a heap: more than this nobody needs to tell apart.</summary>
    public const int TopRank = 63;

    private readonly List<PlaceLevel> _levels = [];

    /// <summary>Depths from 0 to below this one may hold peers.</summary>
    public int Depths => _levels.Count;

    /// <summary>Bit n is set when somebody of rank n is at this depth.</summary>
    public ulong RanksAt(int depth) => depth < _levels.Count ? _levels[depth].Ranks : 0;

    public PeerHeap At(int depth, int rank) => _levels[depth].Heap(rank, kind);

    /// <summary>The heap where a peer of this rank belongs.</summary>
    public PeerHeap Heap(int depth, int rank)
    {
        while (_levels.Count <= depth)
            _levels.Add(new PlaceLevel());
        return _levels[depth].Heap(Math.Clamp(rank, 0, TopRank), kind);
    }

    public static int Highest(ulong ranks) => TopRank - BitOperations.LeadingZeroCount(ranks);

    public static int Lowest(ulong ranks) => BitOperations.TrailingZeroCount(ranks);

    /// <summary>All ranks below this one.</summary>
    public static ulong Below(int rank) => rank > TopRank ? ~0UL : (1UL << rank) - 1;
}

/// <summary>The heaps of one depth.</summary>
internal sealed class PlaceLevel
{
    private PeerHeap?[] _heaps = new PeerHeap?[17];

    public ulong Ranks { get; set; }

    public PeerHeap Heap(int rank, HeapKind kind)
    {
        if (rank >= _heaps.Length)
            Array.Resize(ref _heaps, PlaceIndex.TopRank + 1);
        return _heaps[rank] ??= new PeerHeap(kind, this, rank);
    }
}
