namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>Granted slots of all viewers: how many have 0, 1, 2 …</summary>
    private readonly int[] _viewersBySlots = new int[Math.Max(rules.MaxSlots, rules.SlowStartSlots) + 1];

    private readonly List<int> _peersAtDepth = [];
    private long _depthSum;

    public int MaxDepth
    {
        get
        {
            while (_peersAtDepth.Count > 0 && _peersAtDepth[^1] == 0)
                _peersAtDepth.RemoveAt(_peersAtDepth.Count - 1);
            return Math.Max(0, _peersAtDepth.Count - 1);
        }
    }

    /// <summary>Viewers that a path joins to the root.</summary>
    public int PlacedViewers => _peersAtDepth.Sum() - (Root is null ? 0 : 1);

    /// <summary>
    /// The tree as it is against the best one that the granted slots allow: level by level, the peers with the most slots first.
    /// O(levels), from counters.
    /// </summary>
    public Quality Quality()
    {
        var viewers = PlacedViewers;
        if (viewers <= 0 || Root is null)
            return default;
        var (idealSum, idealMax) = Ideal(viewers, Root.Slots);
        return new Quality((double)_depthSum / viewers, (double)idealSum / viewers, MaxDepth, idealMax);
    }

    private (long DepthSum, int MaxDepth) Ideal(int viewers, int rootSlots)
    {
        var left = (int[])_viewersBySlots.Clone();
        var strongest = left.Length - 1;
        long sum = 0;
        var depth = 0;
        long room = rootSlots;
        while (viewers > 0 && room > 0)
        {
            depth++;
            var here = Math.Min(room, viewers);
            viewers -= (int)here;
            sum += here * depth;
            room = 0;
            while (here > 0 && strongest >= 0)
            {
                var taken = (int)Math.Min(here, left[strongest]);
                left[strongest] -= taken;
                here -= taken;
                room += (long)taken * strongest;
                if (left[strongest] == 0)
                    strongest--;
            }
        }

        return (sum, depth);
    }

    private void CountDepth(Peer peer, int change)
    {
        if (!peer.IsAttached)
            return;
        while (_peersAtDepth.Count <= peer.Depth)
            _peersAtDepth.Add(0);
        _peersAtDepth[peer.Depth] += change;
        _depthSum += (long)change * peer.Depth;
    }

    private void CountSlots(Peer peer, int change)
    {
        if (change > 0)
        {
            peer.Prospect = (ushort)Math.Max(peer.Slots, Math.Min(_rules.ClaimedSlots(peer.UplinkMbps), peer.Slots + _rules.SlowStartSlots));
            peer.Rank = (byte)Math.Min(PlaceIndex.TopRank, peer.Slots + peer.Prospect);
        }

        if (!peer.IsRoot)
            _viewersBySlots[peer.Slots] += change;
    }
}
