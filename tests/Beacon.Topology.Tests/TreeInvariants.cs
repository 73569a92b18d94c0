using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

/// <summary>What is true of every tree after every operation.</summary>
internal static class TreeInvariants
{
    public static void Check(Tree tree, TreeRules rules, string context)
    {
        var root = tree.Root!;
        foreach (var peer in tree.Peers)
        {
            var where = $"{context}: peer {peer.Id}";
            Assert.True(peer.Children.Count + peer.ReservedSlots <= peer.Slots, $"{where} has {peer.Children.Count} children and {peer.ReservedSlots} reserved slots for {peer.Reserved.Count} standbys in {peer.Slots} slots");
            Assert.True(peer.Slots <= (peer.IsRoot ? rules.RootMaxSlots : rules.MaxSlots), $"{where} was granted {peer.Slots} slots");
            Assert.All(peer.Children, child => Assert.Same(peer, child.Parent));
            Assert.All(peer.Reserved, holder => Assert.Same(peer, holder.Standby));
            CheckPlace(tree, root, peer, where);
            CheckStandby(peer, where);
        }

        Assert.Equal(tree.Peers.Where(peer => peer.IsAttached).Sum(peer => peer.Slots - peer.Children.Count), tree.SpareSlots);
        Assert.Equal(tree.Peers.Where(peer => peer.IsAttached).Max(peer => peer.Depth), tree.MaxDepth);
        var spare = tree.WaitingCount == 0 ? [] : tree.Peers.Where(peer => peer is { IsAttached: true, Room: > 0 }).ToList();
        foreach (var peer in spare)
            Assert.All(tree.Waiting, waiting => Assert.False(tree.MayFeed(peer, waiting), $"{context}: {waiting.Id} waits although {peer.Id} has a spare slot"));
        var quality = tree.Quality();
        Assert.True(quality.MeanDepth >= quality.IdealMeanDepth - 1e-9, $"{context}: mean depth {quality.MeanDepth} is better than the ideal {quality.IdealMeanDepth}");
    }

    private static void CheckPlace(Tree tree, Peer root, Peer peer, string where)
    {
        // More steps up than there are peers: a cycle.
        var steps = 0;
        var top = peer;
        while (top.Parent is { } parent)
        {
            Assert.True(++steps <= tree.Count, $"{where} is in a cycle");
            Assert.Contains(top, parent.Children);
            Assert.Same(parent, tree.Find(parent.Id));
            top = parent;
        }

        Assert.Equal(ReferenceEquals(top, root) ? steps : -1, peer.Depth);
        Assert.True(ReferenceEquals(top, root) || top.IsWaiting, $"{where} hangs on {top.Id}, which is neither the root nor waiting");
        Assert.Equal(peer.IsWaiting, peer is { Parent: null, IsRoot: false });
    }

    private static void CheckStandby(Peer peer, string where)
    {
        if (peer.Standby is not { } standby)
            return;
        Assert.Contains(peer, standby.Reserved);
        Assert.True(standby.IsAttached, $"{where} has a standby that gets nothing itself");
        Assert.True(standby.Reserved.Count(other => ReferenceEquals(other.Parent, peer.Parent)) <= standby.Room, $"{where} shares its standby's slot with a sibling");
        Assert.False(ReferenceEquals(standby, peer.Parent), $"{where} has its parent as its standby");
        Assert.False(standby.IsWithin(peer), $"{where} has a standby in its own subtree");
        Assert.True(peer.Parent is not { IsRoot: false } parent || !standby.IsWithin(parent), $"{where} has a standby that is lost with its parent");
    }
}
