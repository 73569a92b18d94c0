namespace Beacon.Topology.Mesh;

/// <summary>
/// How many are below a peer. What a join needs to know, how heavy the branches of the root are, is counted at once. The sizes of subtrees
/// are asked for by who heals and lifts: until then a change is noted where it happened, so that a crowd's joins do not each walk
/// up to the root.
/// </summary>
internal sealed partial class Tree
{
    private const byte NoBranch = 0;

    /// <summary>Peers that have grown since the last count.</summary>
    private readonly List<Peer> _grown = [];

    /// <summary>Peers by the number of their branch. Who is loose is still counted where it was.</summary>
    private readonly int[] _peersInBranch = new int[byte.MaxValue];

    private readonly bool[] _isTaken = new bool[byte.MaxValue];

    private int SizeOf(Peer peer)
    {
        CountSizes();
        return peer.Size;
    }

    private void Grow(Peer peer, int peers)
    {
        peer.Growth += peers;
        if (peer.HasGrown)
            return;
        peer.HasGrown = true;
        _grown.Add(peer);
    }

    /// <summary>Brings the sizes up to date. On the way up what comes from several children goes on as one.</summary>
    private void CountSizes()
    {
        for (var at = 0; at < _grown.Count; at++)
        {
            var peer = _grown[at];
            var growth = peer.Growth;
            peer.Growth = 0;
            peer.HasGrown = false;
            peer.Size += growth;
            if (growth != 0 && peer.Parent is { } parent)
                Grow(parent, growth);
        }

        _grown.Clear();
    }

    /// <summary>A new child of the root takes over the number under which most of those still stand that will be below it.</summary>
    private byte TakeBranch(Peer child)
    {
        var taken = child.Branch;
        if (taken == NoBranch || _isTaken[taken])
        {
            taken = NoBranch;
            for (var branch = 1; branch < _isTaken.Length; branch++)
            {
                if (!_isTaken[branch] && (taken == NoBranch || _peersInBranch[branch] > _peersInBranch[taken]))
                    taken = (byte)branch;
            }
        }

        _isTaken[taken] = true;
        return taken;
    }

    private void SetBranch(Peer peer, byte branch)
    {
        _peersInBranch[peer.Branch]--;
        _peersInBranch[branch]++;
        peer.Branch = branch;
    }
}
