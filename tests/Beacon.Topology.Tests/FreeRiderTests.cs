using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

/// <summary>The policy by which who refuses to relay is placed last.</summary>
public sealed class FreeRiderTests
{
    private static readonly TreeRules Rules = new() { BitrateKbps = 1_000, FreeRidersLast = true };

    [Fact]
    public void Who_refuses_goes_as_deep_as_there_is_room_and_leaves_the_shallow_places_to_those_who_share()
    {
        var trees = NewTrees(Rules);
        Join(trees, "a", 2.5);
        Join(trees, "b", 2.5);
        Join(trees, "deep", 2.5);
        Join(trees, "free", 0);
        Assert.Equal("deep", trees[0].Find("free")!.Parent!.Id);
        Join(trees, "weak", 1);
        Assert.Equal(2, trees[0].Find("weak")!.Depth);
        for (var second = 1; second < 20; second++)
            trees.Tick(moves: 4, nowMs: second * 1_000);
        Assert.Equal(3, trees[0].Find("free")!.Depth);
        Assert.Contains(trees[0].Explain("free")!.Candidates, candidate => candidate.Verdict == "for_those_who_share");
    }

    [Fact]
    public void Without_the_option_it_is_placed_as_anybody()
    {
        var trees = NewTrees(Rules with { FreeRidersLast = false });
        Join(trees, "a", 2.5);
        Join(trees, "free", 0);
        Assert.Equal("root", trees[0].Find("free")!.Parent!.Id);
    }

    [Fact]
    public void It_waits_behind_those_who_share_and_no_longer_once_it_shares()
    {
        var trees = NewTrees(Rules);
        Join(trees, "weak1", 1);
        Join(trees, "weak2", 1);
        Join(trees, "free1", 0);
        Join(trees, "free2", 0);
        Join(trees, "weak3", 1);
        Assert.Equal(["weak3", "free1", "free2"], trees[0].Waiting.Select(peer => peer.Id));
        var restored = Restored(trees);
        Assert.Equal(["weak3", "free1", "free2"], restored[0].Waiting.Select(peer => peer.Id));
        restored.Claimed("free2", 1, maxChildren: 0, nowMs: 1);
        Assert.Equal(["free2", "weak3", "free1"], restored[0].Waiting.Select(peer => peer.Id));
        restored.Claimed("weak3", 0, maxChildren: 0, nowMs: 2);
        Assert.Equal(["free2", "free1", "weak3"], restored[0].Waiting.Select(peer => peer.Id));
        restored.Leave("weak1", nowMs: 3);
        Assert.True(restored[0].Find("free2")!.IsAttached);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void With_any_number_of_stripes_it_is_who_relays_in_none_of_them(int stripes)
    {
        var trees = NewTrees(Rules, stripes);
        Join(trees, "shares", 5);
        Join(trees, "free", 0);
        trees.Import([new Arrival("came", 5, 10, ParentId: null), new Arrival("came free", 0, 10, "came")], nowMs: 1);
        Assert.All(trees.Stripes, tree => Assert.Equal(["came free", "free"], tree.Peers.Where(peer => peer.RidesFree).Select(peer => peer.Id).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_the_tree_is_whole(int seed)
    {
        var random = new Random(seed);
        var trees = NewTrees(Rules);
        var here = new List<string>();
        for (var step = 0; step < 600; step++)
        {
            if (here.Count < 5 || random.Next(3) > 0)
            {
                here.Add($"p{step}");
                trees.Join(here[^1], random.Next(4) * 2.5, latencyMs: 10, nowMs: step * 500);
            }
            else
            {
                var at = random.Next(here.Count);
                trees.Leave(here[at], nowMs: step * 500);
                here.RemoveAt(at);
            }

            trees.Tick(moves: 4, nowMs: step * 500);
            TreeInvariants.Check(trees[0], Rules, $"seed {seed}, step {step}");
        }

        Assert.Contains(trees[0].Peers, peer => peer.RidesFree);
    }

    private static StripedTrees NewTrees(TreeRules rules, int stripes = 1)
    {
        var trees = new StripedTrees(stripes, StripedTrees.RulesOfOne(rules, stripes));
        trees.SetRoot("root", uplinkMbps: 100, maxChildren: 2);
        return trees;
    }

    private static StripedTrees Restored(StripedTrees trees) => StripedTrees.Restore(1, Rules, trees.Version, [.. trees.Ids.Select(trees.Records)], nowMs: 0);

    private static void Join(StripedTrees trees, string id, double uplinkMbps) => trees.Join(id, uplinkMbps, latencyMs: 10, nowMs: 0);
}
