using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

public sealed class TreeTests
{
    private static readonly TreeRules Rules = new() { BitrateKbps = 1_000 };

    private static Tree NewTree(int rootChildren = 2, TreeRules? rules = null)
    {
        var tree = new Tree(0, rules ?? Rules);
        tree.SetRoot("root", uplinkMbps: 100, rootChildren);
        return tree;
    }

    private static List<Change> Take(Tree tree) => [.. tree.TakeDelta().Changes];

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1.24, 0)]
    [InlineData(1.25, 1)]
    [InlineData(2.49, 1)]
    [InlineData(2.5, 2)]
    [InlineData(9.99, 7)]
    [InlineData(10, 8)]
    [InlineData(10_000, 8)]
    public void Slots_are_the_whole_part_of_four_fifths_of_the_uplink_by_the_bitrate_and_at_most_eight(double uplinkMbps, int slots) =>
        Assert.Equal(slots, Rules.ClaimedSlots(uplinkMbps));

    [Theory]
    [InlineData(100, 0, 4)]
    [InlineData(100, 2, 2)]
    [InlineData(100, 9, 4)]
    [InlineData(3, 4, 2)]
    [InlineData(0, 0, 1)]
    public void A_root_has_what_its_uplink_and_its_broadcaster_allow_at_most_four_and_at_least_one(double uplinkMbps, int maxChildren, int slots) =>
        Assert.Equal(slots, Rules.RootSlots(uplinkMbps, maxChildren));

    [Fact]
    public void A_claim_alone_buys_two_slots()
    {
        var tree = NewTree();
        tree.Join("a", uplinkMbps: 1_000, latencyMs: 10, nowMs: 0);
        Assert.Equal(2, tree.Find("a")!.Slots);
    }

    [Fact]
    public void Receipts_of_two_children_raise_the_slots_to_four_and_never_above_the_claim()
    {
        var tree = NewTree();
        tree.Join("a", uplinkMbps: 1_000, latencyMs: 10, nowMs: 0);
        tree.Join("b", uplinkMbps: 3.75, latencyMs: 10, nowMs: 0);
        tree.Proved("a", children: 2, nowMs: 1);
        tree.Proved("b", children: 2, nowMs: 1);
        Assert.Equal(4, tree.Find("a")!.Slots);
        Assert.Equal(3, tree.Find("b")!.Slots);
        tree.Proved("a", children: 0, nowMs: 2);
        Assert.Equal(4, tree.Find("a")!.Slots);
    }

    [Fact]
    public void A_newcomer_and_its_parent_are_told_in_the_order_that_lets_the_parent_expect_it()
    {
        var tree = NewTree();
        tree.TakeDelta();
        tree.Join("a", uplinkMbps: 10, latencyMs: 10, nowMs: 7);
        Assert.Equal(
            [
                new Change(ChangeKind.ChildAssigned, tree.Root!, 1, tree.Find("a")),
                new Change(ChangeKind.ParentAssigned, tree.Find("a")!, 1, tree.Root, Depth: 1, Reason: "joined"),
            ],
            Take(tree));
    }

    [Fact]
    public void Of_two_parents_at_one_depth_the_one_with_more_spare_slots_is_chosen_then_the_nearer_then_the_lower_id()
    {
        var tree = NewTree();
        tree.Join("far", 1.25, latencyMs: 80, nowMs: 0);
        tree.Join("near", 1.25, latencyMs: 20, nowMs: 0);
        tree.Tick(moves: 0, nowMs: 0);
        tree.Join("x", 0, latencyMs: 10, nowMs: 0);
        Assert.Equal("near", tree.Find("x")!.Parent!.Id);
        var explained = tree.Explain("x")!;
        Assert.Equal("near", Assert.Single(explained.Candidates, candidate => candidate.Chosen).PeerId);
        Assert.Equal("slower", Assert.Single(explained.Candidates, candidate => candidate.PeerId == "far").Verdict);
    }

    [Fact]
    public void A_stronger_newcomer_takes_the_shallow_place_of_a_leaf_which_becomes_its_child()
    {
        var tree = NewTree(rootChildren: 2);
        tree.Join("leaf", 0, latencyMs: 10, nowMs: 0);
        tree.Join("relay", 2.5, latencyMs: 10, nowMs: 0);
        tree.TakeDelta();
        tree.Join("strong", 10, latencyMs: 10, nowMs: 1);
        Assert.Equal("root", tree.Find("strong")!.Parent!.Id);
        Assert.Equal("strong", tree.Find("leaf")!.Parent!.Id);
        var changes = Take(tree);
        Assert.Equal("preempted", Assert.Single(changes, change => change is { Kind: ChangeKind.ParentAssigned, PeerId: "leaf" }).Reason);
        // The former parent serves on until the leaf has its new one.
        Assert.Equal(Rules.DrainMs, Assert.Single(changes, change => change is { Kind: ChangeKind.ChildRemoved, PeerId: "root", OtherId: "leaf" }).DrainMs);
    }

    [Fact]
    public void Orphans_keep_their_subtrees_and_go_to_their_standby()
    {
        var tree = NewTree(rootChildren: 2);
        for (var peer = 0; peer < 12; peer++)
            tree.Join($"p{peer:D2}", peer < 8 ? 10 : 0, latencyMs: 10, nowMs: 0);
        tree.Tick(moves: 0, nowMs: 1);
        tree.TakeDelta();
        var orphan = tree.Peers.First(peer => peer is { Parent.IsRoot: false, Standby: not null, Children.Count: > 0 });
        var below = orphan.Children.ToList();
        var standby = orphan.Standby;
        tree.Leave(orphan.Parent!.Id, nowMs: 5);
        var changes = Take(tree);
        Assert.DoesNotContain(changes, change => change is { Kind: ChangeKind.ParentAssigned, Reason: "parent_left" } && below.Exists(child => child.Id == change.PeerId));
        // First what the peer does by itself; if that is deeper than before, then the better place.
        var told = changes.Where(change => change.PeerId == orphan.Id && change.Kind == ChangeKind.ParentAssigned).ToList();
        Assert.Equal((standby!.Id, "parent_left"), (told[0].OtherId, told[0].Reason));
        Assert.All(told.Skip(1), change => Assert.Equal("lifted", change.Reason));
        Assert.Equal(told[^1].OtherId, orphan.Parent!.Id);
        TreeInvariants.Check(tree, Rules, "after the loss");
    }

    [Fact]
    public void Who_brings_nothing_waits_when_all_slots_are_taken_and_is_admitted_first_come_first_served()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("a", 0, latencyMs: 10, nowMs: 0);
        tree.Join("b", 0, latencyMs: 10, nowMs: 1);
        tree.Join("c", 0, latencyMs: 10, nowMs: 2);
        Assert.Equal(["b", "c"], tree.Waiting.Select(peer => peer.Id));
        var waits = Take(tree).Where(change => change.Kind == ChangeKind.Waiting).ToList();
        Assert.Equal([1, 2], waits.Select(change => change.Position));
        tree.Leave("a", nowMs: 1_000);
        Assert.Equal("root", tree.Find("b")!.Parent!.Id);
        tree.Tick(moves: 0, nowMs: 2_000);
        var moved = Assert.Single(Take(tree), change => change.Kind == ChangeKind.Waiting);
        Assert.Equal(("c", 1, 60_000L), (moved.PeerId, moved.Position, moved.EstimateMs));
    }

    [Fact]
    public void Who_brings_a_slot_never_waits_and_lets_the_waiting_in()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("a", 0, latencyMs: 10, nowMs: 0);
        tree.Join("b", 0, latencyMs: 10, nowMs: 0);
        tree.Join("relay", 2.5, latencyMs: 10, nowMs: 0);
        Assert.Equal(0, tree.WaitingCount);
        Assert.Equal(["a", "b"], tree.Find("relay")!.Children.Select(peer => peer.Id).Order());
    }

    [Fact]
    public void Orphans_come_before_newcomers_in_the_waiting_list()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("relay", 1.25, latencyMs: 10, nowMs: 0);
        tree.Join("second", 1.25, latencyMs: 10, nowMs: 0);
        tree.Join("leaf", 0, latencyMs: 10, nowMs: 0);
        tree.Join("late", 0, latencyMs: 10, nowMs: 1);
        Assert.Equal(["late"], tree.Waiting.Select(peer => peer.Id));
        var lost = tree.Find("leaf")!.Parent!.Id;
        tree.Leave(lost, nowMs: 2);
        Assert.True(tree.Find("leaf")!.IsAttached);
        Assert.Equal(["late"], tree.Waiting.Select(peer => peer.Id));
    }

    [Fact]
    public void A_parent_that_fails_its_children_for_two_windows_loses_them_and_is_the_last_choice_until_its_back_off_ends()
    {
        var tree = NewTree(rootChildren: 2);
        foreach (var id in new[] { "a", "b" })
            tree.Join(id, 10, latencyMs: 10, nowMs: 0);
        tree.Join("c", 0, latencyMs: 10, nowMs: 0);
        var bad = tree.Find("c")!.Parent!;
        tree.Judged(bad.Id, bad: true, nowMs: 10_000);
        Assert.Same(bad, tree.Find("c")!.Parent);
        tree.Judged(bad.Id, bad: false, nowMs: 20_000);
        tree.Judged(bad.Id, bad: true, nowMs: 30_000);
        Assert.Same(bad, tree.Find("c")!.Parent);
        tree.TakeDelta();
        tree.Judged(bad.Id, bad: true, nowMs: 40_000);
        var other = tree.Find("c")!.Parent!;
        Assert.NotSame(bad, other);
        var changes = Take(tree);
        Assert.Contains(changes, change => change is { Kind: ChangeKind.ParentAssigned, PeerId: "c", Reason: "parent_degraded" });
        Assert.Contains(changes, change => change.Kind == ChangeKind.ChildRemoved && change.PeerId == bad.Id && change.OtherId == "c" && change.DrainMs == Rules.DrainMs);

        tree.Leave(other.Id, nowMs: 50_000);
        tree.Join("d", 2.5, latencyMs: 10, nowMs: 50_001);
        tree.Join("e", 0, latencyMs: 10, nowMs: 50_002);
        Assert.Empty(bad.Children);
        tree.Tick(moves: 0, nowMs: 99_999);
        Assert.True(bad.IsDegraded);
        tree.Tick(moves: 0, nowMs: 100_000);
        Assert.False(bad.IsDegraded);
    }

    [Fact]
    public void A_degraded_parent_keeps_the_children_that_nobody_else_can_take()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("only", 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("x", 0, latencyMs: 10, nowMs: 0);
        tree.Judged("only", bad: true, nowMs: 10_000);
        tree.Judged("only", bad: true, nowMs: 20_000);
        Assert.Equal("only", tree.Find("x")!.Parent!.Id);
        // As the last choice it still takes who would have no place at all.
        tree.Join("y", 0, latencyMs: 10, nowMs: 20_001);
        Assert.Equal("only", tree.Find("y")!.Parent!.Id);
        TreeInvariants.Check(tree, Rules, "degraded");
    }

    [Fact]
    public void A_child_that_cannot_reach_its_parent_gets_another_one()
    {
        var tree = NewTree(rootChildren: 2);
        tree.Join("a", 10, latencyMs: 10, nowMs: 0);
        tree.Join("b", 10, latencyMs: 10, nowMs: 0);
        tree.Join("c", 0, latencyMs: 10, nowMs: 0);
        var unreachable = tree.Find("c")!.Parent!;
        tree.Unreachable("c", nowMs: 1);
        Assert.NotSame(unreachable, tree.Find("c")!.Parent);
        TreeInvariants.Check(tree, Rules, "moved");
    }

    [Fact]
    public void Coming_back_tells_a_peer_and_all_its_neighbours_again()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("a", 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("b", 0, latencyMs: 10, nowMs: 0);
        tree.TakeDelta();
        tree.Resend("a", Reasons.Resumed, nowMs: 1);
        var changes = Take(tree);
        Assert.Contains(changes, change => change is { Kind: ChangeKind.ParentAssigned, PeerId: "a", OtherId: "root", Depth: 1, Reason: "resumed" });
        Assert.Contains(changes, change => change is { Kind: ChangeKind.ChildAssigned, PeerId: "root", OtherId: "a" });
        Assert.Contains(changes, change => change is { Kind: ChangeKind.ParentAssigned, PeerId: "b", OtherId: "a", Depth: 2, Reason: "resumed" });
        Assert.Contains(changes, change => change is { Kind: ChangeKind.ChildAssigned, PeerId: "a", OtherId: "b" });
        // There is nobody who could stand by, and the client may remember somebody.
        Assert.Contains(changes, change => change is { Kind: ChangeKind.StandbyAssigned, PeerId: "a", OtherId: null });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(42)]
    [InlineData(1_234)]
    public void Whatever_happens_the_tree_stays_whole(int seed)
    {
        var trace = new Trace(seed, rootChildren: 1 + (seed % 4));
        for (var step = 0; step < 4_000; step++)
        {
            trace.Step();
            TreeInvariants.Check(trace.Tree, Trace.Rules, $"seed {seed}, step {step}");
            trace.CheckVersions($"seed {seed}, step {step}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(99)]
    public void Equal_histories_give_equal_trees(int seed)
    {
        var first = new Trace(seed, rootChildren: 3);
        var second = new Trace(seed, rootChildren: 3);
        for (var step = 0; step < 2_000; step++)
        {
            first.Step();
            second.Step();
        }

        Assert.Equal(first.Tree.Peers.Select(first.Tree.Record).OrderBy(peer => peer.Id), second.Tree.Peers.Select(second.Tree.Record).OrderBy(peer => peer.Id));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(11)]
    public void A_tree_restored_from_its_records_is_the_same(int seed)
    {
        var trace = new Trace(seed, rootChildren: 2);
        for (var step = 0; step < 1_500; step++)
            trace.Step();
        var records = trace.Tree.Peers.Select(trace.Tree.Record).OrderBy(peer => peer.Id, StringComparer.Ordinal).ToList();
        var restored = Tree.Restore(0, Trace.Rules, trace.Tree.Version, records, trace.NowMs);
        TreeInvariants.Check(restored, Trace.Rules, $"seed {seed}, restored");
        Assert.Equal(
            records.Select(peer => (peer.Id, peer.ParentId, peer.Slots, peer.WaitingSince)),
            restored.Peers.Select(restored.Record).OrderBy(peer => peer.Id, StringComparer.Ordinal).Select(peer => (peer.Id, peer.ParentId, peer.Slots, peer.WaitingSince)));
        Assert.Equal(trace.Tree.Quality(), restored.Quality());
    }

    [Fact]
    public void A_flash_crowd_builds_a_tree_close_to_the_ideal_one()
    {
        var random = new Random(7);
        var rules = new TreeRules { BitrateKbps = 2_500 };
        var tree = NewTree(rootChildren: 4, rules);
        for (var peer = 0; peer < 5_000; peer++)
            tree.Join($"p{peer:D5}", Trace.Uplink(random), random.Next(5, 200), nowMs: peer);
        var quality = tree.Quality();
        TreeInvariants.Check(tree, rules, "flash crowd, seed 7");
        Assert.True(quality.MeanDepth <= quality.IdealMeanDepth * 1.15, $"seed 7: mean depth {quality.MeanDepth}, ideal {quality.IdealMeanDepth}");
        Assert.True(quality.MaxDepth <= quality.IdealMaxDepth + 3, $"seed 7: max depth {quality.MaxDepth}, ideal {quality.IdealMaxDepth}");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(13)]
    public void An_audience_that_comes_in_parts_moves_nobody_who_was_here_more_than_once(int seed)
    {
        var random = new Random(seed);
        var tree = NewTree(rootChildren: 4);
        for (var peer = 0; peer < 200; peer++)
            tree.Join($"own{peer:D3}", Trace.Uplink(random), random.Next(5, 200), nowMs: peer);
        for (var tick = 0; tick < 60; tick++)
            tree.Tick(moves: 8, nowMs: 1_000);
        Take(tree);

        var moves = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var part = 0; part < 20; part++)
        {
            var nowMs = 100_000 + (part * 1_000);
            var arrivals = new List<Arrival>();
            for (var at = 0; at < 150; at++)
                arrivals.Add(new Arrival($"new{part:D2}{at:D3}", Trace.Uplink(random), 10, at == 0 ? null : arrivals[(at - 1) / 2].Id));
            tree.Import(arrivals, nowMs);
            // What receipts prove meanwhile raises slots, and the background passes go on.
            foreach (var peer in tree.Peers.Where(peer => !peer.IsRoot && peer.ChildCount == peer.Slots).Take(20).ToList())
                tree.Proved(peer.Id, peer.ChildCount, nowMs + 300);
            tree.Join($"by-itself{part:D2}", 60, latencyMs: 10, nowMs + 400);
            tree.Tick(moves: 8, nowMs + 500);
            foreach (var change in Take(tree).Where(change => change.Kind == ChangeKind.ParentAssigned && change.PeerId.StartsWith("own", StringComparison.Ordinal)))
                moves[change.PeerId] = moves.GetValueOrDefault(change.PeerId) + 1;
        }

        TreeInvariants.Check(tree, Rules, $"seed {seed}");
        Assert.NotEmpty(moves);
        Assert.True(moves.Values.Max() == 1, $"seed {seed}: {string.Join(", ", moves.Where(peer => peer.Value > 1))}");
        var quality = tree.Quality();
        Assert.True(quality.MeanDepth <= quality.IdealMeanDepth * 1.1, $"seed {seed}: mean depth {quality.MeanDepth}, ideal {quality.IdealMeanDepth}");
    }

    [Fact]
    public void A_new_root_feeds_what_the_former_one_fed_and_its_own_children_are_healed_like_orphans()
    {
        var tree = NewTree(rootChildren: 2);
        for (var peer = 0; peer < 12; peer++)
            tree.Join($"p{peer:D2}", peer < 8 ? 10 : 0, latencyMs: 10, nowMs: 0);
        tree.Tick(moves: 0, nowMs: 1);
        tree.TakeDelta();
        var heir = tree.Peers.First(peer => peer is { Depth: 2, Children.Count: > 0 });
        var orphans = heir.Children.Select(child => child.Id).ToList();
        var tops = tree.Root!.Children.Select(child => child.Id).ToList();
        tree.ReplaceRoot(heir.Id, uplinkMbps: 100, maxChildren: 2, nowMs: 5);
        Assert.Same(heir, tree.Root);
        Assert.Equal((0, 2), (heir.Depth, heir.Slots));
        Assert.Equal(tops.Order(), heir.Children.Select(child => child.Id).Order());
        Assert.All(orphans, id => Assert.True(tree.Find(id)!.IsAttached));
        var changes = Take(tree);
        Assert.All(tops, id => Assert.Contains(changes, change => change.Kind == ChangeKind.ParentAssigned && change.PeerId == id && change.OtherId == heir.Id));
        TreeInvariants.Check(tree, Rules, "after the takeover");
    }

    [Fact]
    public void A_new_root_with_fewer_slots_sends_the_children_that_it_cannot_feed_on()
    {
        var tree = NewTree(rootChildren: 4);
        for (var peer = 0; peer < 6; peer++)
            tree.Join($"p{peer}", uplinkMbps: 10, latencyMs: 10, nowMs: 0);
        tree.ReplaceRoot("p5", uplinkMbps: 100, maxChildren: 1, nowMs: 5);
        Assert.Single(tree.Root!.Children);
        Assert.Equal(5, tree.PlacedViewers);
        TreeInvariants.Check(tree, Rules, "after the takeover");
    }

    [Fact]
    public void Who_was_taken_from_a_parent_that_failed_it_rather_waits_than_goes_back_and_goes_back_when_the_back_off_is_over()
    {
        var tree = NewTree(rootChildren: 1);
        tree.Join("a", 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("b", 1.25, latencyMs: 10, nowMs: 0);
        tree.Join("c", 0, latencyMs: 10, nowMs: 0);
        Assert.Equal("a", tree.Find("c")!.Parent!.Id);
        tree.Unreachable("c", nowMs: 1);
        var evicted = tree.Find("c")!;
        Assert.Equal("b", evicted.Parent!.Id);
        tree.Leave("b", nowMs: 2);
        Assert.True(evicted.IsWaiting);
        // Others may have the parent.
        tree.Join("d", 0, latencyMs: 10, nowMs: 3);
        Assert.Equal("a", tree.Find("d")!.Parent!.Id);
        tree.Tick(moves: 0, nowMs: Rules.DegradedBackOffMs);
        Assert.True(evicted.IsWaiting);
        tree.Tick(moves: 0, nowMs: 1 + Rules.DegradedBackOffMs);
        Assert.Equal("a", evicted.Parent!.Id);
    }

    [Fact]
    public void Who_accuses_its_standby_gets_another_one_and_keeps_its_parent()
    {
        var tree = NewTree(rootChildren: 3);
        foreach (var id in (string[])["a", "b", "c"])
            tree.Join(id, 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("x", 0, latencyMs: 10, nowMs: 0);
        var x = tree.Find("x")!;
        var (parent, standby) = (x.Parent!, x.Standby!);
        tree.Accused("x", standby.Id, nowMs: 1);
        Assert.Same(parent, x.Parent);
        Assert.NotSame(standby, x.Standby);
        Assert.NotNull(x.Standby);
        Assert.False(tree.MayFeed(standby, x));
        tree.Accused("x", "somebody", nowMs: 2);
        Assert.Same(parent, x.Parent);
        TreeInvariants.Check(tree, Rules, "accused");
    }

    [Fact]
    public void A_condemned_parent_is_drained_at_once_and_the_root_never()
    {
        var tree = NewTree(rootChildren: 2);
        foreach (var id in (string[])["a", "b"])
            tree.Join(id, 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("x", 0, latencyMs: 10, nowMs: 0);
        var bad = tree.Find("x")!.Parent!;
        tree.Condemned(bad.Id, nowMs: 1);
        tree.Condemned("root", nowMs: 1);
        Assert.True(bad.IsDegraded);
        Assert.NotSame(bad, tree.Find("x")!.Parent);
        Assert.False(tree.Root!.IsDegraded);
        TreeInvariants.Check(tree, Rules, "condemned");
    }

    [Fact]
    public void A_child_that_could_not_reach_a_parent_is_not_sent_there_again_until_the_back_off_ends()
    {
        var tree = NewTree(rootChildren: 2);
        tree.Join("a", 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("b", 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("c", 0, latencyMs: 10, nowMs: 0);
        var unreachable = tree.Find("c")!.Parent!;
        tree.Unreachable("c", nowMs: 1);
        var other = tree.Find("c")!.Parent!;
        Assert.NotSame(unreachable, other);
        Assert.False(tree.MayFeed(unreachable, tree.Find("c")!));
        var record = tree.Record(tree.Find("c")!);
        Assert.Equal([new EvictionRecord(unreachable.Id, 1 + Rules.DegradedBackOffMs)], record.Evictions!.All);
        Assert.Contains(tree.Explain("c")!.Candidates, candidate => candidate.PeerId == unreachable.Id && candidate.Verdict == "evicted");
        tree.Tick(moves: 0, nowMs: 1 + Rules.DegradedBackOffMs);
        Assert.True(tree.MayFeed(unreachable, tree.Find("c")!));
    }

    [Fact]
    public void A_child_that_two_parents_failed_one_after_the_other_goes_to_neither_of_them_again_before_its_time()
    {
        var tree = NewTree(rootChildren: 3);
        foreach (var id in new[] { "a", "b", "d" })
            tree.Join(id, 2.5, latencyMs: 10, nowMs: 0);
        tree.Join("c", 0, latencyMs: 10, nowMs: 0);
        var child = tree.Find("c")!;
        var first = child.Parent!;
        tree.Accused("c", first.Id, nowMs: 1);
        var second = child.Parent!;
        tree.Accused("c", second.Id, nowMs: 2);
        var third = child.Parent!;
        Assert.Equal(3, new[] { first, second, third }.Distinct().Count());

        // Nobody is left but those two: the one that it has is as good.
        tree.Accused("c", third.Id, nowMs: 3);
        Assert.Same(third, child.Parent);
        Assert.Equal((false, false, true), (tree.MayFeed(first, child), tree.MayFeed(second, child), tree.MayFeed(third, child)));

        var restored = Tree.Restore(tree.Stripe, Rules, tree.Version, tree.Peers.Select(tree.Record), nowMs: 4);
        Assert.Equal(2, tree.Record(child).Evictions!.All.Count);
        Assert.Equal(tree.Record(child), restored.Record(restored.Find("c")!));
        tree.Tick(moves: 0, nowMs: 1 + Rules.DegradedBackOffMs);
        Assert.Equal((true, false), (tree.MayFeed(first, child), tree.MayFeed(second, child)));
    }

    [Fact]
    public void Of_parents_that_are_equal_in_depth_spare_slots_and_distance_the_one_in_the_own_region_is_chosen()
    {
        var tree = NewTree();
        tree.Join("north", 1.25, latencyMs: 21, nowMs: 0, region: "n");
        tree.Join("south", 1.25, latencyMs: 23, nowMs: 0, region: "s");
        tree.Join("viewer", 0, latencyMs: 10, nowMs: 0, region: "s");
        Assert.Equal("south", tree.Find("viewer")!.Parent!.Id);
        var other = Assert.Single(tree.Explain("viewer")!.Candidates, candidate => !candidate.Chosen);
        Assert.Equal(("north", "n", "other_region"), (other.PeerId, other.Region, other.Verdict));
    }

    [Fact]
    public void A_reserved_slot_is_shared_by_viewers_of_different_parents_when_there_is_no_other_and_who_loses_it_gets_told()
    {
        var tree = NewTree(rootChildren: 4);
        foreach (var relay in new[] { "a", "b", "c", "s" })
            tree.Join(relay, 1.25, latencyMs: relay == "s" ? 90 : 10, nowMs: 0);
        foreach (var viewer in new[] { "x", "y", "z" })
            tree.Join(viewer, 0, latencyMs: 10, nowMs: 0);
        tree.Tick(moves: 0, nowMs: 1);
        var spare = Assert.Single(tree.Peers, peer => peer is { IsRoot: false, Room: 1 });
        var holders = spare.Reserved.ToList();
        Assert.Equal(Peer.MostSharing, holders.Count);
        Assert.Equal(1, spare.ReservedSlots);
        Assert.Equal(holders.Count, holders.Select(holder => holder.Parent).Distinct().Count());
        tree.TakeDelta();
        var first = holders.First(holder => holder.Parent is { IsRoot: false });
        tree.Leave(first.Parent!.Id, nowMs: 2);
        var changes = Take(tree);
        Assert.Equal(spare.Id, changes.First(change => change.Kind == ChangeKind.ParentAssigned && change.PeerId == first.Id).OtherId);
        Assert.All(holders.Where(holder => holder != first), holder => Assert.Contains(changes, change => change.Kind == ChangeKind.StandbyAssigned && change.PeerId == holder.Id));
        TreeInvariants.Check(tree, Rules, "shared");
    }

    [Fact]
    public void A_strong_peer_from_below_takes_the_place_of_a_lost_one_near_the_root_and_nobody_below_stands_deeper()
    {
        var rules = new TreeRules { BitrateKbps = 2_500 };
        var random = new Random(7);
        var tree = NewTree(rootChildren: 4, rules);
        for (var peer = 0; peer < 600; peer++)
            tree.Join($"p{peer:D3}", Trace.Uplink(random), latencyMs: 20, nowMs: peer);
        for (var window = 1; window <= 12; window++)
        {
            foreach (var relay in tree.Peers.Where(peer => peer is { IsRoot: false, Children.Count: > 0 }).ToList())
                tree.Proved(relay.Id, relay.Children.Count, window * 10_000);
            tree.Tick(moves: 20, window * 10_000);
        }

        tree.TakeDelta();
        var lost = tree.Root!.Children.OrderByDescending(child => child.Children.Count).First();
        var orphans = lost.Children.Select(child => (child, child.Depth)).ToList();
        var deepest = tree.MaxDepth;
        tree.Leave(lost.Id, nowMs: 200_000);
        Assert.True(orphans.Count >= 4, $"seed 7: only {orphans.Count} orphans");
        var substitute = Assert.Single(tree.Root!.Children, child => child.Reason == "lifted" && child.AssignedAtMs == 200_000);
        Assert.True(orphans.Count(orphan => ReferenceEquals(orphan.child.Parent, substitute)) >= orphans.Count - 1);
        Assert.True(tree.MaxDepth <= deepest + 1, $"seed 7: max depth {tree.MaxDepth} after {deepest}");
        var changes = Take(tree);
        // The picture first: each orphan goes on with its standby before it comes up.
        Assert.All(orphans, orphan => Assert.Equal("parent_left", changes.First(change => change.Kind == ChangeKind.ParentAssigned && change.PeerId == orphan.child.Id).Reason));
        TreeInvariants.Check(tree, rules, "substituted, seed 7");
    }
}
