using Beacon.Topology.Mesh;

namespace Beacon.Simulator;

/// <summary>Which of the parents with room a viewer gets.</summary>
internal interface IChoice
{
    /// <summary>The most children of anybody.</summary>
    int FanOut { get; }

    /// <summary>Higher is better; asked once for each parent with room.</summary>
    double Score(PlainPeer parent);
}

internal sealed class PlainPeer(Viewer viewer, int slots)
{
    public Viewer Viewer { get; } = viewer;

    public int Slots { get; } = slots;

    public PlainPeer? Parent { get; set; }

    public List<PlainPeer> Children { get; } = [];

    public int Depth { get; set; } = -1;
}

/// <summary>
/// A tree without anything that the engine adds: no preemption, no standby, no lift, slots by claim. Every decision looks at every peer,
/// which is what such policies did.
/// </summary>
internal sealed class PlainTree : IPolicy
{
    private readonly TreeRules _rules;
    private readonly IChoice _choice;
    private readonly PlainPeer _root;
    private readonly Dictionary<string, PlainPeer> _peers = new(StringComparer.Ordinal);

    /// <summary>In the order of their coming, so that a choice among equals is the same in every run.</summary>
    private readonly List<PlainPeer> _inOrder = [];

    private readonly Queue<PlainPeer> _waiting = new();

    public PlainTree(int peers, IChoice choice)
    {
        _rules = Engine.Rules(peers);
        _choice = choice;
        var slots = Math.Min(_rules.RootSlots(Workload.RootUplinkMbps, maxChildren: 0), choice.FanOut);
        _root = new PlainPeer(new Viewer("root", Workload.RootUplinkMbps, 0), slots) { Depth = 0 };
        _inOrder.Add(_root);
    }

    public int Stripes => 1;

    public int Stranded => _inOrder.Count(peer => peer.Depth < 0);

    public void Join(Viewer viewer, long nowMs)
    {
        var peer = new PlainPeer(viewer, Math.Min(_choice.FanOut, _rules.ClaimedSlots(viewer.UplinkMbps)));
        _peers.Add(viewer.Id, peer);
        _inOrder.Add(peer);
        Place(peer);
        Retry();
    }

    public Loss Leave(string id, long nowMs)
    {
        _peers.Remove(id, out var peer);
        _inOrder.Remove(peer!);
        peer!.Parent?.Children.Remove(peer);
        var hit = Below(peer).Count() - 1;
        var orphans = peer.Children.ToList();
        foreach (var orphan in orphans)
        {
            orphan.Parent = null;
            SetDepth(orphan, -1);
        }

        foreach (var orphan in orphans)
            Place(orphan);
        Retry();
        return new Loss { Hit = hit, Orphans = orphans.Count };
    }

    public void Advance(long nowMs) => Retry();

    public int TakeMoves() => 0;

    public IEnumerable<Place> Places(int stripe) => _inOrder.Skip(1).Select(peer => new Place(peer.Depth, peer.Slots, peer.Children.Count, 0, peer.Viewer.UplinkMbps));

    public int RootSlots(int stripe) => _root.Slots;

    private void Place(PlainPeer peer)
    {
        PlainPeer? best = null;
        var bestScore = double.MinValue;
        foreach (var other in _inOrder)
        {
            if (other.Depth < 0 || other.Children.Count >= other.Slots || _choice.Score(other) is var score && score <= bestScore)
                continue;
            (best, bestScore) = (other, score);
        }

        if (best is null)
        {
            _waiting.Enqueue(peer);
            return;
        }

        peer.Parent = best;
        best.Children.Add(peer);
        SetDepth(peer, best.Depth + 1);
    }

    private void Retry()
    {
        for (var left = _waiting.Count; left > 0; left--)
        {
            var peer = _waiting.Dequeue();
            if (_peers.ContainsKey(peer.Viewer.Id) && peer.Parent is null)
                Place(peer);
        }
    }

    private static void SetDepth(PlainPeer top, int depth)
    {
        top.Depth = depth;
        foreach (var below in Below(top).Skip(1))
            below.Depth = depth < 0 ? -1 : below.Parent!.Depth + 1;
    }

    private static IEnumerable<PlainPeer> Below(PlainPeer top)
    {
        var queue = new Queue<PlainPeer>([top]);
        while (queue.TryDequeue(out var peer))
        {
            foreach (var child in peer.Children)
                queue.Enqueue(child);
            yield return peer;
        }
    }
}

/// <summary>The original policy: upload over latency, two children each.</summary>
internal sealed class ByScore : IChoice
{
    public int FanOut => 2;

    public double Score(PlainPeer parent) => parent.Viewer.UplinkMbps / Math.Max(1, parent.Viewer.LatencyMs);
}

internal sealed class AtRandom(int seed) : IChoice
{
    private readonly Random _random = new(seed);

    public int FanOut => 8;

    public double Score(PlainPeer parent) => _random.NextDouble();
}

internal sealed class Shallowest : IChoice
{
    public int FanOut => 8;

    public double Score(PlainPeer parent) => -parent.Depth;
}
