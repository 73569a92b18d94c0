using Beacon.Raids.Raid;

namespace Beacon.Raids.Tests;

public sealed class AudiencePlanTests(ITestOutputHelper output)
{
    private const int Seed = 77;
    private static readonly NewcomerRules Rules = new(SlotsAtFirst: 2, UplinkShare: 0.8);

    [Theory]
    [InlineData(0, 2_000, 0)]
    [InlineData(2.4, 2_000, 0)]
    [InlineData(2.5, 2_000, 1)]
    [InlineData(5, 2_000, 2)]
    [InlineData(50, 2_000, 2)]
    [InlineData(50, 0, 0)]
    public void A_newcomer_is_reckoned_with_what_the_slow_start_grants(double uplinkMbps, int bitrateKbps, int slots) =>
        Assert.Equal(slots, Rules.Slots(uplinkMbps, bitrateKbps));

    [Fact]
    public void An_audience_that_brings_its_own_uplink_fits_where_slots_alone_would_not_do()
    {
        var plan = AudiencePlan.Make(Tree(100, uplinkMbps: 5), [Target("a", spare: 1)], Rules);
        Assert.Equal((0, 100), (plan.Waiting, plan.Counts[0]));
    }

    [Fact]
    public void What_one_target_cannot_take_goes_to_the_next_and_the_rest_waits_at_the_first()
    {
        var plan = AudiencePlan.Make(Tree(100, uplinkMbps: 0), [Target("a", spare: 30), Target("b", spare: 50)], Rules);
        Assert.Equal(20, plan.Waiting);
        Assert.Equal([50, 50], plan.Counts);
    }

    [Fact]
    public void A_target_gets_no_more_than_it_wants()
    {
        var plan = AudiencePlan.Make(Tree(100, uplinkMbps: 0), [Target("a", spare: 90), Target("b", spare: 90) with { MaxViewers = 7 }], Rules);
        Assert.Equal((3, 93, 7), (plan.Waiting, plan.Counts[0], plan.Counts[1]));
    }

    [Fact]
    public void Subtrees_that_fit_go_together()
    {
        // Two branches of a broadcaster: neither is torn.
        List<AudiencePeer> audience = [new("a", null, 0), new("a1", "a", 0), new("a2", "a", 0), new("b", null, 0), new("b1", "b", 0), new("b2", "b1", 0)];
        var plan = AudiencePlan.Make(audience, [Target("x", spare: 3), Target("y", spare: 3)], Rules);
        Assert.Equal((0, 3, 3), (plan.Waiting, plan.Counts[0], plan.Counts[1]));
        Assert.Equal([["a", "a1", "a2"], ["b", "b1", "b2"]], plan.Batches(10).Select(batch => batch.PeerIds));
    }

    [Fact]
    public void Whatever_the_tree_everybody_goes_to_one_place_in_bounded_batches_and_parents_first()
    {
        var random = new SeededRandomness(Seed);
        output.WriteLine($"seed {Seed}");
        for (var round = 0; round < 300; round++)
        {
            var count = (int)(random.Next() % 200) + 1;
            List<AudiencePeer> audience = [];
            for (var index = 0; index < count; index++)
            {
                var parent = index == 0 || random.Next() % 8 == 0 ? null : $"p{random.Next() % (ulong)index}";
                audience.Add(new AudiencePeer($"p{index}", parent, random.Next() % 8));
            }

            List<PlanTarget> targets =
            [
                .. Enumerable.Range(0, (int)(random.Next() % 4) + 1).Select(index => Target($"t{index}", (int)(random.Next() % 60)) with { MaxViewers = index == 0 ? 0 : (int)(random.Next() % 40) }),
            ];
            var size = (int)(random.Next() % 20) + 1;
            var plan = AudiencePlan.Make(audience, targets, Rules);
            var batches = plan.Batches(size);
            Assert.All(batches, batch => Assert.InRange(batch.PeerIds.Count, 1, size));
            Assert.Equal(audience.Select(peer => peer.PeerId).Order(StringComparer.Ordinal), batches.SelectMany(batch => batch.PeerIds).Order(StringComparer.Ordinal));
            for (var target = 0; target < targets.Count; target++)
            {
                var line = batches.Where(batch => batch.Target == target).SelectMany(batch => batch.PeerIds).ToList();
                Assert.Equal(plan.Counts[target], line.Count);
                Assert.True(targets[target].MaxViewers == 0 || line.Count <= targets[target].MaxViewers, $"seed {Seed}, round {round}");
                var index = targets[target].Stream.SpareSlots + audience.Where(peer => line.Contains(peer.PeerId)).Sum(peer => Rules.Slots(peer.UplinkMbps, 2_000) - 1);
                Assert.True(index >= 0 || plan.Waiting > 0, $"seed {Seed}, round {round}: target {target} has a resource index of {index} and nobody waits");
            }
        }
    }

    private static PlanTarget Target(string id, int spare) => new(new RaidTarget(id, $"channel-{id}", id, 0, spare) { BitrateKbps = 2_000 });

    /// <summary>A binary tree.</summary>
    private static List<AudiencePeer> Tree(int count, double uplinkMbps) =>
        [.. Enumerable.Range(0, count).Select(index => new AudiencePeer($"p{index}", index == 0 ? null : $"p{(index - 1) / 2}", uplinkMbps))];
}
