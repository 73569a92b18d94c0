using Beacon.Topology.Mesh;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Topology.Tests;

/// <summary>Histories of two hundred steps, a thousand of one stripe and some hundreds of more, and what must be true after each step.</summary>
public sealed class TreeProperties(ITestOutputHelper output)
{
    private const int Steps = 200;

    [Theory]
    [InlineData(1, 1_000, 20_261_123UL, 7UL)]
    [InlineData(2, 250, 20_261_124UL, 7UL)]
    [InlineData(4, 250, 20_261_125UL, 7UL)]
    public void After_every_step_the_trees_are_whole_nobody_is_oversubscribed_and_every_standby_is_valid(int stripes, int sequences, ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        var rules = StripedTrees.RulesOfOne(Trace.Rules, stripes);
        Check.One(ConfigOf(sequences, seed, gamma), Prop.ForAll(Histories(), history =>
        {
            var play = new Play(stripes, history.RootChildren);
            for (var step = 0; step < history.Steps.Length; step++)
            {
                play.Step(history.Steps[step]);
                foreach (var tree in play.Trees.Stripes)
                {
                    TreeInvariants.Check(tree, rules, $"step {step}, stripe {tree.Stripe}");
                    CheckFairness(tree, $"step {step}, stripe {tree.Stripe}");
                }

                CheckBudget(play.Trees, $"step {step}");
            }
        }));
    }

    [Theory]
    [InlineData(1, 1_000, 31_337UL, 9UL)]
    [InlineData(2, 250, 31_338UL, 9UL)]
    [InlineData(4, 250, 31_339UL, 9UL)]
    public void A_replayed_log_gives_the_same_trees_and_the_same_directives(int stripes, int sequences, ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        Check.One(ConfigOf(sequences, seed, gamma), Prop.ForAll(Histories(), history =>
        {
            var play = new Play(stripes, history.RootChildren);
            foreach (var step in history.Steps)
                play.Step(step);
            var replayed = Play.NewTrees(stripes, history.RootChildren);
            foreach (var operation in play.Log)
                replayed.Apply(operation);
            Assert.Equal(play.Trees.Version, replayed.Version);
            Assert.Equal(play.Trees.Ids.SelectMany(play.Trees.Records), replayed.Ids.SelectMany(replayed.Records));
            Assert.Equal(Told(play.Trees), Told(replayed));
        }));
    }

    private static readonly Peer Nobody = new("", isRoot: false, order: 0);

    /// <summary>What was told, with ids in place of the peers of one tree.</summary>
    private static IEnumerable<(string, string?, Change)> Told(StripedTrees trees)
    {
        return trees.TakeDelta().Changes.Select(change => (change.PeerId, change.OtherId, change with { Peer = Nobody, Other = null }));
    }

    [Theory]
    [InlineData(1, 100, 4_711UL, 5UL)]
    [InlineData(2, 100, 4_712UL, 5UL)]
    [InlineData(4, 100, 4_713UL, 5UL)]
    public void Trees_restored_from_their_records_are_the_same_and_go_on_whole(int stripes, int sequences, ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        var rules = StripedTrees.RulesOfOne(Trace.Rules, stripes);
        Check.One(ConfigOf(sequences, seed, gamma), Prop.ForAll(Histories(), history =>
        {
            var play = new Play(stripes, history.RootChildren);
            foreach (var step in history.Steps)
                play.Step(step);
            var before = play.Trees;
            var records = before.Ids.Select(before.Records).ToList();
            play.Trees = StripedTrees.Restore(stripes, rules, before.Version, records, play.NowMs);
            Assert.Equal(before.Ids.Order().Select(before.HomeOf), play.Trees.Ids.Order().Select(play.Trees.HomeOf));
            Assert.Equal(
                records.SelectMany(places => places).Select(place => (place.Id, place.ParentId, place.Slots, place.WaitingSince)).Order(),
                play.Trees.Ids.SelectMany(play.Trees.Records).Select(place => (place.Id, place.ParentId, place.Slots, place.WaitingSince)).Order());
            foreach (var step in history.Steps.Take(20))
            {
                play.Step(step);
                foreach (var tree in play.Trees.Stripes)
                    TreeInvariants.Check(tree, rules, $"restored, stripe {tree.Stripe}");
            }
        }));
    }

    private static Config ConfigOf(int sequences, ulong seed, ulong gamma) => Config.QuickThrowOnFailure.WithMaxTest(sequences).WithReplay(seed, gamma);

    private static Arbitrary<History> Histories() => Arb.From(
        from rootChildren in Gen.Choose(1, 4)
        from steps in Gen.ArrayOf(
            from kind in Gen.Choose(0, 99)
            from who in Gen.Choose(0, 9_999)
            from amount in Gen.Choose(0, 9_999)
            select new Command(kind, who, amount),
            Steps)
        select new History(rootChildren, steps));

    /// <summary>Orphans before newcomers, within both who came first, and everybody has a position of its own.</summary>
    private static void CheckFairness(Tree tree, string context)
    {
        var waiting = tree.Waiting.ToList();
        Assert.True(
            waiting.SequenceEqual(waiting.OrderByDescending(peer => peer.WaitsAsOrphan).ThenBy(peer => peer.WaitingSince)),
            $"{context}: the waiting list is out of order");
        Assert.Equal(waiting.Count, waiting.Select(peer => peer.WaitingSince).Distinct().Count());
    }

    /// <summary>Everybody is in every stripe, has children in one of them alone, and its slots there are no more than its uplink carries.</summary>
    private static void CheckBudget(StripedTrees trees, string context)
    {
        foreach (var id in trees.Ids.Where(id => id != trees.RootId))
        {
            var places = trees.Stripes.Select(tree => tree.Find(id)!).ToList();
            Assert.DoesNotContain(places, place => place is null);
            var relaysIn = places.Where(place => place.Slots > 0 || place.Children.Count > 0).ToList();
            Assert.True(relaysIn.Count <= 1, $"{context}: {id} relays in {relaysIn.Count} stripes");
            Assert.True(relaysIn.Count == 0 || ReferenceEquals(relaysIn[0], places[trees.HomeOf(id)!.Value]), $"{context}: {id} relays away from home");
        }
    }

    private sealed record Command(int Kind, int Who, int Amount);

    private sealed record History(int RootChildren, Command[] Steps);

    /// <summary>Turns commands into operations that are possible, applies and logs them.</summary>
    private sealed class Play
    {
        private static readonly string?[] Regions = [null, "north", "south"];

        private readonly List<string> _viewers = [];
        private int _next;

        public Play(int stripes, int rootChildren) => Trees = NewTrees(stripes, rootChildren);

        public StripedTrees Trees { get; set; }

        public long NowMs { get; private set; }

        public List<TreeOperation> Log { get; } = [];

        public static StripedTrees NewTrees(int stripes, int rootChildren)
        {
            var trees = new StripedTrees(stripes, StripedTrees.RulesOfOne(Trace.Rules, stripes));
            trees.SetRoot("root", 100, rootChildren);
            return trees;
        }

        public void Step(Command command)
        {
            NowMs += 1 + (command.Amount % 2_000);
            var uplink = ((int[])[1, 1, 4, 4, 8, 20, 60])[command.Amount % 7];
            var operation = _viewers.Count == 0 || command.Kind < 36
                ? new TreeOperation(OperationKind.Join, NowMs, [Arrive()], uplink, command.Who % 300, Region: Regions[command.Amount % 3])
                : Of(command, _viewers[command.Who % _viewers.Count], uplink);
            Log.Add(operation);
            Trees.Apply(operation);
        }

        private TreeOperation Of(Command command, string peer, int uplink)
        {
            switch (command.Kind)
            {
                case < 56:
                    return Lose([peer]);
                case < 59:
                    // A part of the network is gone at once.
                    return Lose([.. _viewers.Where((_, at) => (at + command.Amount) % 4 == 0)]);
                case < 69:
                    return new TreeOperation(OperationKind.Proved, NowMs, [peer], Count: command.Amount % 9, Stripe: Stripe(peer));
                case < 77:
                    return new TreeOperation(OperationKind.Judged, NowMs, [peer], IsBad: command.Amount % 4 > 0, Stripe: Stripe(peer));
                case < 81:
                    return new TreeOperation(OperationKind.Measured, NowMs, [peer], LatencyMs: command.Amount % 1_500);
                case < 86:
                    return new TreeOperation(OperationKind.Claimed, NowMs, [peer], uplink);
                case < 88:
                    return new TreeOperation(OperationKind.Resend, NowMs, [peer]);
                case < 90:
                    return new TreeOperation(OperationKind.Unreachable, NowMs, [peer], Stripe: command.Amount % Trees.Stripes.Length);
                case 90 when command.Amount % 3 == 0:
                    return new TreeOperation(OperationKind.Condemned, NowMs, [peer], Stripe: Stripe(peer));
                case 90:
                    return Accuse(peer, command.Amount % Trees.Stripes.Length, standby: command.Amount % 3 == 1);
                case < 93:
                    return Import(1 + (command.Amount % 12), uplink);
                case 93 when command.Amount % 4 == 0:
                    _viewers.Remove(peer);
                    return new TreeOperation(OperationKind.ReplaceRoot, NowMs, [peer], 100, Count: 1 + (command.Amount % 4));
                default:
                    return new TreeOperation(OperationKind.Tick, NowMs, [], Count: command.Amount % 6);
            }
        }

        /// <summary>Where it relays; who brings nothing has nothing to prove anywhere.</summary>
        private int Stripe(string peer) => Trees.HomeOf(peer) ?? 0;

        private TreeOperation Accuse(string peer, int stripe, bool standby)
        {
            var place = Trees[stripe].Find(peer)!;
            return new TreeOperation(OperationKind.Accused, NowMs, [peer, (standby ? place.Standby : place.Parent)?.Id ?? "nobody"], Stripe: stripe);
        }

        private TreeOperation Lose(List<string> lost)
        {
            _viewers.RemoveAll(lost.Contains);
            return new TreeOperation(OperationKind.Leave, NowMs, lost);
        }

        private TreeOperation Import(int count, int uplink)
        {
            var arrivals = new List<Arrival>();
            for (var at = 0; at < count; at++)
                arrivals.Add(new Arrival(Arrive(), at % 3 == 0 ? 1 : uplink, at * 7, at == 0 ? null : arrivals[(at - 1) / 2].Id));
            return new TreeOperation(OperationKind.Import, NowMs, [], Arrivals: arrivals);
        }

        private string Arrive()
        {
            var id = $"p{_next++:D6}";
            _viewers.Add(id);
            return id;
        }
    }
}
