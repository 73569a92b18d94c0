namespace Beacon.Topology.Mesh;

/// <summary>
/// Attached peers by depth, ordered within a depth: the best at the least depth is found without a walk through the tree, and
/// a change costs O(log n).
/// </summary>
internal sealed class PlaceIndex(IComparer<Peer> order)
{
    private readonly List<SortedSet<Peer>> _depths = [];

    /// <summary>Depths from 0 to below this one may hold peers.</summary>
    public int Depths => _depths.Count;

    public SortedSet<Peer> At(int depth)
    {
        while (_depths.Count <= depth)
            _depths.Add(new SortedSet<Peer>(order));
        return _depths[depth];
    }

    /// <summary>Best first over all depths.</summary>
    public IEnumerable<Peer> All() => _depths.SelectMany(peers => peers);
}

/// <summary>
/// Parents: most spare uplink first, then the nearest, then by id so that equal peers always come in the same order. Spare
/// uplink counts only within the granted slots, so a claim that nothing proves yet is worth no preference.
/// </summary>
internal sealed class BestParentFirst : IComparer<Peer>
{
    public int Compare(Peer? x, Peer? y)
    {
        if (ReferenceEquals(x, y))
            return 0;
        var bySpare = y!.FreeSlots.CompareTo(x!.FreeSlots);
        if (bySpare != 0)
            return bySpare;
        var byLatency = x.LatencyMs.CompareTo(y.LatencyMs);
        return byLatency != 0 ? byLatency : string.CompareOrdinal(x.Id, y.Id);
    }
}

/// <summary>Leaves: the fewest slots first, then the furthest, then by id.</summary>
internal sealed class WeakestFirst : IComparer<Peer>
{
    public int Compare(Peer? x, Peer? y)
    {
        if (ReferenceEquals(x, y))
            return 0;
        var bySlots = x!.Slots.CompareTo(y!.Slots);
        if (bySlots != 0)
            return bySlots;
        var byLatency = y.LatencyMs.CompareTo(x.LatencyMs);
        return byLatency != 0 ? byLatency : string.CompareOrdinal(x.Id, y.Id);
    }
}
