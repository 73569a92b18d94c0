using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

/// <summary>A seeded history of everything that can happen to a tree.</summary>
internal sealed class Trace
{
    public static readonly TreeRules Rules = new() { BitrateKbps = 2_500, DegradedBackOffMs = 20_000, MaxWaiting = 10_000 };

    private readonly Random _random;
    private readonly List<string> _viewers = [];
    private readonly Dictionary<string, long> _versions = new(StringComparer.Ordinal);
    private int _next;

    public Trace(int seed, int rootChildren)
    {
        _random = new Random(seed);
        Tree = new Tree(0, Rules);
        Tree.SetRoot("root", 100, rootChildren);
    }

    public Tree Tree { get; }

    public long NowMs { get; private set; }

    /// <summary>Heavy-tailed, as real uplinks are: a quarter can forward nothing.</summary>
    public static double Uplink(Random random) => random.Next(100) switch
    {
        < 25 => 1,
        < 50 => 4,
        < 75 => 8,
        < 92 => 20,
        _ => 60,
    };

    public void Step()
    {
        NowMs += _random.Next(1, 2_000);
        var choice = _random.Next(100);
        if (_viewers.Count == 0 || choice < 38)
        {
            var id = $"p{_next++:D6}";
            Tree.Join(id, Uplink(_random), _random.Next(5, 300), NowMs);
            _viewers.Add(id);
            return;
        }

        var at = _random.Next(_viewers.Count);
        var peer = _viewers[at];
        switch (choice)
        {
            case < 68:
                _viewers.RemoveAt(at);
                _versions.Remove(peer);
                Tree.Leave(peer, NowMs);
                break;
            case < 76:
                Tree.Proved(peer, _random.Next(0, 8), NowMs);
                break;
            case < 84:
                Tree.Judged(peer, bad: _random.Next(4) > 0, NowMs);
                break;
            case < 88:
                Tree.Measured(peer, _random.Next(5, 1_500));
                break;
            case < 91:
                Tree.Claimed(peer, Uplink(_random), maxChildren: 0, NowMs);
                Tree.Resend(peer, Reasons.Resumed, NowMs);
                break;
            case < 94:
                Tree.Unreachable(peer, NowMs);
                break;
            default:
                Tree.Tick(moves: 4, NowMs);
                break;
        }
    }

    /// <summary>Numbers of directives grow per peer, and nobody is told to have a parent that it does not have.</summary>
    public void CheckVersions(string context)
    {
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var change in Tree.TakeDelta().Changes)
        {
            if (Tree.Find(change.PeerId) is null)
                continue;
            Assert.True(change.Version > _versions.GetValueOrDefault(change.PeerId), $"{context}: directive {change} is out of order");
            _versions[change.PeerId] = change.Version;
            if (change.Kind == ChangeKind.ParentAssigned)
                parents[change.PeerId] = change.OtherId!;
        }

        foreach (var (peer, parent) in parents)
            Assert.True(Tree.Find(peer)!.Parent?.Id == parent || Tree.Find(peer)!.IsWaiting, $"{context}: {peer} was told {parent} last");
    }
}
