using Beacon.Topology.Mesh;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Topology.Tests;

/// <summary>A thousand histories of two hundred steps, and what must be true after each step.</summary>
public sealed class TreeProperties(ITestOutputHelper output)
{
    private const int Sequences = 1_000;
    private const int Steps = 200;

    [Theory]
    [InlineData(20_261_123UL, 7UL)]
    public void After_every_step_the_tree_is_whole_nobody_is_oversubscribed_and_every_standby_is_valid(ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        Check.One(ConfigOf(seed, gamma), Prop.ForAll(Histories(), history =>
        {
            var play = new Play(history.RootChildren);
            for (var step = 0; step < history.Steps.Length; step++)
            {
                play.Step(history.Steps[step]);
                TreeInvariants.Check(play.Tree, Trace.Rules, $"step {step}");
                CheckFairness(play.Tree, $"step {step}");
            }
        }));
    }

    [Theory]
    [InlineData(31_337UL, 9UL)]
    public void A_replayed_log_gives_the_same_tree_and_the_same_directives(ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        Check.One(ConfigOf(seed, gamma), Prop.ForAll(Histories(), history =>
        {
            var play = new Play(history.RootChildren);
            foreach (var step in history.Steps)
                play.Step(step);
            var replayed = Play.NewTree(history.RootChildren);
            foreach (var operation in play.Log)
                replayed.Apply(operation);
            Assert.Equal(play.Tree.Version, replayed.Version);
            Assert.Equal(play.Tree.Peers.Select(Tree.Record), replayed.Peers.Select(Tree.Record));
            Assert.Equal(play.Tree.TakeDelta().Changes, replayed.TakeDelta().Changes);
        }));
    }

    private static Config ConfigOf(ulong seed, ulong gamma) => Config.QuickThrowOnFailure.WithMaxTest(Sequences).WithReplay(seed, gamma);

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

    private sealed record Command(int Kind, int Who, int Amount);

    private sealed record History(int RootChildren, Command[] Steps);

    /// <summary>Turns commands into operations that are possible, applies and logs them.</summary>
    private sealed class Play
    {
        private readonly List<string> _viewers = [];
        private long _nowMs;
        private int _next;

        public Play(int rootChildren) => Tree = NewTree(rootChildren);

        public Tree Tree { get; }

        public List<TreeOperation> Log { get; } = [];

        public static Tree NewTree(int rootChildren)
        {
            var tree = new Tree(0, Trace.Rules);
            tree.SetRoot("root", 100, rootChildren);
            return tree;
        }

        public void Step(Command command)
        {
            _nowMs += 1 + (command.Amount % 2_000);
            var uplink = ((int[])[1, 1, 4, 4, 8, 20, 60])[command.Amount % 7];
            var operation = _viewers.Count == 0 || command.Kind < 36
                ? new TreeOperation(OperationKind.Join, _nowMs, [Arrive()], uplink, command.Who % 300)
                : Of(command, _viewers[command.Who % _viewers.Count], uplink);
            Log.Add(operation);
            Tree.Apply(operation);
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
                    return new TreeOperation(OperationKind.Proved, _nowMs, [peer], Count: command.Amount % 9);
                case < 77:
                    return new TreeOperation(OperationKind.Judged, _nowMs, [peer], IsBad: command.Amount % 4 > 0);
                case < 81:
                    return new TreeOperation(OperationKind.Measured, _nowMs, [peer], LatencyMs: command.Amount % 1_500);
                case < 86:
                    return new TreeOperation(OperationKind.Claimed, _nowMs, [peer], uplink);
                case < 88:
                    return new TreeOperation(OperationKind.Resend, _nowMs, [peer]);
                case < 91:
                    return new TreeOperation(OperationKind.Unreachable, _nowMs, [peer]);
                case < 93:
                    return Import(1 + (command.Amount % 12), uplink);
                default:
                    return new TreeOperation(OperationKind.Tick, _nowMs, [], Count: command.Amount % 6);
            }
        }

        private TreeOperation Lose(List<string> lost)
        {
            _viewers.RemoveAll(lost.Contains);
            return new TreeOperation(OperationKind.Leave, _nowMs, lost);
        }

        private TreeOperation Import(int count, int uplink)
        {
            var arrivals = new List<Arrival>();
            for (var at = 0; at < count; at++)
                arrivals.Add(new Arrival(Arrive(), at % 3 == 0 ? 1 : uplink, at * 7, at == 0 ? null : arrivals[(at - 1) / 2].Id));
            return new TreeOperation(OperationKind.Import, _nowMs, [], Arrivals: arrivals);
        }

        private string Arrive()
        {
            var id = $"p{_next++:D6}";
            _viewers.Add(id);
            return id;
        }
    }
}
