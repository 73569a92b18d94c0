using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Grpc;

/// <summary>
/// One stripe's tree as this replica knows it from its owner. What the owner tells of a peer is true of that peer alone; depths and numbers
/// of children follow from the parents.
/// </summary>
internal sealed class TreeMirror
{
    private Dictionary<string, PlaceView> _peers = new(StringComparer.Ordinal);

    public TreeFigures Figures { get; private set; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>Takes over a batch.</summary>
    /// <returns>What it changed here.</returns>
    public List<TreeChange> Apply(TreeBatch batch)
    {
        Figures = batch.Figures;
        var changes = new List<TreeChange>(batch.Size);
        foreach (var id in batch.Removed)
        {
            if (_peers.Remove(id))
                changes.Add(TreeMessages.Left(id));
        }

        foreach (var place in batch.Peers)
            Put(place, changes);
        return changes;
    }

    /// <summary>Takes over the whole tree.</summary>
    public List<TreeChange> Replace(TreeFigures figures, IReadOnlyCollection<PlaceView> places)
    {
        Figures = figures;
        var former = _peers;
        var changes = new List<TreeChange>();
        var here = places.Select(place => place.PeerId).ToHashSet(StringComparer.Ordinal);
        foreach (var id in former.Keys.Where(id => !here.Contains(id)).ToList())
        {
            former.Remove(id);
            changes.Add(TreeMessages.Left(id));
        }

        foreach (var place in places)
            Put(place, changes);
        return changes;
    }

    /// <summary>All peers, parents before children.</summary>
    public IReadOnlyList<TreePeer> Peers()
    {
        var children = _peers.Values.ToLookup(place => place.ParentId ?? "", StringComparer.Ordinal);
        var peers = new List<TreePeer>(_peers.Count);
        var next = new Stack<(PlaceView Place, int Depth)>();
        // The root, and those that wait: no path leads from them to the root.
        foreach (var top in _peers.Values.Where(place => place.ParentId is null || !_peers.ContainsKey(place.ParentId)))
            next.Push((top, top.Depth < 0 || top.ParentId is not null ? -1 : 0));
        while (next.TryPop(out var at))
        {
            var below = children[at.Place.PeerId];
            var own = at.Place with { Depth = at.Depth, Children = 0 };
            foreach (var child in below)
            {
                own = own with { Children = own.Children + 1 };
                next.Push((child, at.Depth < 0 ? -1 : at.Depth + 1));
            }

            peers.Add(TreeMessages.Peer(own));
        }

        return peers;
    }

    private void Put(PlaceView place, List<TreeChange> changes)
    {
        var before = _peers.GetValueOrDefault(place.PeerId);
        if (before == place)
            return;
        _peers[place.PeerId] = place;
        changes.Add(TreeMessages.Change(before, place));
    }
}
