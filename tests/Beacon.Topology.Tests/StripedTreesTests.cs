using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

public sealed class StripedTreesTests
{
    private static readonly TreeRules Rules = new() { BitrateKbps = 2_500 };

    private static StripedTrees NewTrees(int stripes)
    {
        var trees = new StripedTrees(stripes, StripedTrees.RulesOfOne(Rules, stripes));
        trees.SetRoot("root", uplinkMbps: 100, maxChildren: 4);
        return trees;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_viewer_is_in_every_stripe_and_relays_in_one(int stripes)
    {
        var trees = NewTrees(stripes);
        for (var peer = 0; peer < 200; peer++)
            trees.Join($"p{peer:D3}", uplinkMbps: 20, latencyMs: 10, nowMs: peer);
        foreach (var tree in trees.Stripes)
        {
            Assert.Equal(201, tree.Count);
            Assert.Equal(200, tree.PlacedViewers);
            Assert.Equal(200 / stripes, tree.Peers.Count(peer => !peer.IsRoot && peer.Slots > 0));
            Assert.All(tree.Peers.Where(peer => peer is { IsRoot: false, Slots: > 0 }), peer => Assert.Equal(tree.Stripe, trees.HomeOf(peer.Id)));
        }

        Assert.Equal(trees.Stripes.Min(tree => tree.SpareSlots), trees.SpareSlots);
        Assert.Equal(0, trees.WaitingCount);
    }

    [Fact]
    public void Who_brings_nothing_has_no_home_until_it_claims_an_uplink()
    {
        var trees = NewTrees(2);
        trees.Join("idle", uplinkMbps: 0, latencyMs: 10, nowMs: 0);
        Assert.Null(trees.HomeOf("idle"));
        trees.Claimed("idle", uplinkMbps: 20, maxChildren: 0, nowMs: 1);
        var home = Assert.NotNull(trees.HomeOf("idle"));
        Assert.Equal(4, trees[home].Find("idle")!.Slots);
        Assert.Equal(0, trees[1 - home].Find("idle")!.Slots);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_a_relay_measured_takes_the_place_of_its_claim_and_takes_no_child_away(int stripes)
    {
        var trees = NewTrees(stripes);
        trees.Join("relay", uplinkMbps: 20, latencyMs: 10, nowMs: 0);
        trees.Join("idle", uplinkMbps: 0, latencyMs: 10, nowMs: 0);
        var tree = trees[trees.HomeOf("relay")!.Value];
        var relay = tree.Find("relay")!;
        var granted = relay.Slots;

        trees.UplinkMeasured("relay", uplinkMbps: 0, nowMs: 1);
        trees.UplinkMeasured("relay", uplinkMbps: 20 * 1.2, nowMs: 1);
        Assert.Equal((20, granted), (relay.UplinkMbps, relay.Slots));

        // One slot of the whole stream at 2.5 Mbit/s.
        trees.UplinkMeasured("relay", uplinkMbps: 2.5 / 0.8, nowMs: 2);
        Assert.Equal((2.5 / 0.8, stripes), (relay.UplinkMbps, relay.Slots));

        // More than was ever claimed: what the slow start allows, until receipts prove it.
        trees.UplinkMeasured("relay", uplinkMbps: 100, nowMs: 3);
        Assert.Equal((100, granted), (relay.UplinkMbps, relay.Slots));

        for (var peer = 0; peer < 8 * stripes; peer++)
            trees.Join($"leaf{peer}", uplinkMbps: 0, latencyMs: 10, nowMs: 4);
        var children = relay.ChildCount;
        Assert.True(children > 0);
        trees.UplinkMeasured("relay", uplinkMbps: 0.1, nowMs: 5);
        Assert.Equal((children, children), (relay.ChildCount, relay.Slots));

        trees.UplinkMeasured("root", uplinkMbps: 1, nowMs: 6);
        trees.UplinkMeasured("idle", uplinkMbps: 50, nowMs: 6);
        Assert.Equal(4, tree.Root!.Slots);
        Assert.Null(trees.HomeOf("idle"));
    }

    [Fact]
    public void The_losses_of_a_moment_take_one_stripe_from_those_below_and_heal_in_all()
    {
        var trees = NewTrees(4);
        for (var peer = 0; peer < 100; peer++)
            trees.Join($"p{peer:D3}", uplinkMbps: 20, latencyMs: 10, nowMs: peer);
        trees.TakeDelta();
        string[] lost = ["p000", "p001", "p002", "p003"];
        trees.Leave(lost, nowMs: 1_000);
        var delta = trees.TakeDelta();
        Assert.Equal(lost, delta.Removed.Distinct().Order());
        Assert.All(lost, id => Assert.False(trees.Has(id)));
        Assert.All(lost, id => Assert.Null(trees.HomeOf(id)));
        Assert.All(trees.Stripes, tree => Assert.Equal(96, tree.PlacedViewers));
        Assert.Equal([0, 1, 2, 3], delta.Changes.Select(change => change.Stripe).Distinct().Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void An_audience_that_is_handed_over_keeps_its_neighbours_and_spreads_over_the_stripes(int stripes)
    {
        var trees = NewTrees(stripes);
        for (var peer = 0; peer < 40; peer++)
            trees.Join($"p{peer:D3}", uplinkMbps: 20, latencyMs: 10, nowMs: peer);
        var arrivals = new List<Arrival>();
        for (var at = 0; at < 400; at++)
            arrivals.Add(new Arrival($"a{at:D3}", at % 2 == 0 ? 20 : 0, 10, at == 0 ? null : arrivals[(at - 1) / 2].Id));
        trees.Import(arrivals, nowMs: 1_000);
        var homes = arrivals.Where(arrival => arrival.UplinkMbps > 0).GroupBy(arrival => trees.HomeOf(arrival.Id)!.Value).ToList();
        Assert.Equal(stripes, homes.Count);
        Assert.All(homes, home => Assert.InRange(home.Count(), 200 / stripes * 7 / 10, 200 / stripes * 13 / 10));
        Assert.All(trees.Stripes, tree => Assert.Equal(440, tree.PlacedViewers));
        foreach (var tree in trees.Stripes)
            TreeInvariants.Check(tree, StripedTrees.RulesOfOne(Rules, stripes), $"stripe {tree.Stripe}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_squad_member_takes_over_every_stripe_with_the_trees_below_the_root_as_they_were(int stripes)
    {
        var trees = NewTrees(stripes);
        for (var peer = 0; peer < 100; peer++)
            trees.Join($"p{peer:D3}", uplinkMbps: 20, latencyMs: 10, nowMs: peer);
        var heir = trees[0].Peers.Select(peer => peer.Id).First(id => trees.Stripes.All(tree => tree.Find(id)!.Depth >= 2));
        var before = trees.Stripes.Select(tree => tree.Root!.Children.Select(child => child.Id).Order().ToList()).ToList();
        trees.ReplaceRoot(heir, uplinkMbps: 100, maxChildren: 4, nowMs: 5_000);
        Assert.Equal(heir, trees.RootId);
        Assert.False(trees.Has("root"));
        Assert.Null(trees.HomeOf(heir));
        foreach (var tree in trees.Stripes)
        {
            Assert.Equal(before[tree.Stripe], tree.Root!.Children.Select(child => child.Id).Order());
            Assert.Equal(99, tree.PlacedViewers);
            TreeInvariants.Check(tree, StripedTrees.RulesOfOne(Rules, stripes), $"stripe {tree.Stripe}");
        }
    }
}
