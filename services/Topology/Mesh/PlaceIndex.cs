using System.Numerics;

namespace Beacon.Topology.Mesh;

/// <summary>
/// Attached peers by depth and, within a depth, by a small number such as their spare slots; a heap for each pair. One word per depth says
/// which heaps hold anybody, and the words lie side by side, so that the best peer at the least depth is found by looking at a handful of
/// them, and a change is O(log n).
/// </summary>
internal sealed class PlaceIndex(HeapKind kind)
{
    /// <summary>Numbers from here on share a heap: more than this nobody needs to tell apart.</summary>
    public const int TopRank = 63;

    /// <summary>Of one depth; few trees know higher ranks.</summary>
    private const int UsualRanks = 17;

    private ulong[] _ranks = new ulong[8];
    private PeerHeap?[][] _heaps = new PeerHeap?[8][];

    /// <summary>Depths from 0 to below this one may hold peers.</summary>
    public int Depths { get; private set; }

    /// <summary>Bit n is set when somebody of rank n is at this depth.</summary>
    public ulong RanksAt(int depth) => depth < _ranks.Length ? _ranks[depth] : 0;

    /// <summary>A heap that the words say is not empty.</summary>
    public PeerHeap At(int depth, int rank) => _heaps[depth][rank]!;

    /// <summary>The heap where a peer of this rank belongs.</summary>
    public PeerHeap Heap(int depth, int rank)
    {
        rank = Math.Clamp(rank, 0, TopRank);
        if (depth >= Depths)
            Reach(depth);
        ref var heaps = ref _heaps[depth];
        if (rank >= heaps.Length)
            Array.Resize(ref heaps, TopRank + 1);
        return heaps[rank] ??= new PeerHeap(kind, this, depth, rank);
    }

    public static int Highest(ulong ranks) => TopRank - BitOperations.LeadingZeroCount(ranks);

    public static int Lowest(ulong ranks) => BitOperations.TrailingZeroCount(ranks);

    /// <summary>All ranks below this one.</summary>
    public static ulong Below(int rank) => rank > TopRank ? ~0UL : (1UL << rank) - 1;

    /// <summary>A heap has its first peer, or has lost its last.</summary>
    internal void Flip(int depth, int rank) => _ranks[depth] ^= 1UL << rank;

    private void Reach(int depth)
    {
        if (depth >= _ranks.Length)
        {
            Array.Resize(ref _ranks, Math.Max(depth + 1, 2 * _ranks.Length));
            Array.Resize(ref _heaps, _ranks.Length);
        }

        for (; Depths <= depth; Depths++)
            _heaps[Depths] = new PeerHeap?[UsualRanks];
    }
}
