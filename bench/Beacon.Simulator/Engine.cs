using System.Globalization;
using Beacon.Topology.Mesh;

namespace Beacon.Simulator;

/// <summary>The production engine as its owner drives it: windows that prove relays, ticks, deltas taken after every operation.</summary>
internal sealed class Engine : IPolicy
{
    private const int LiftMovesPerTick = 4;
    private const int TickMs = 1_000;
    private const int WindowMs = 10_000;

    private readonly TreeRules _rules;
    private readonly StripedTrees _trees;
    private long _tickAtMs;
    private long _windowAtMs;
    private int _moves;

    public Engine(int peers, int stripes = 1)
    {
        _rules = Rules(peers, stripes);
        _trees = new StripedTrees(stripes, _rules);
        _trees.SetRoot("root", Workload.RootUplinkMbps, maxChildren: 0);
    }

    public int Stripes => _trees.Stripes.Length;

    /// <summary>The rules of a service with default options, with room for the audience.</summary>
    public static TreeRules Rules(int peers, int stripes = 1) =>
        StripedTrees.RulesOfOne(new TreeRules { BitrateKbps = Workload.BitrateKbps, MaxPeers = peers * 4, MaxWaiting = peers * 4 }, stripes);

    public override string ToString() => string.Join("; ", _trees.Stripes.Select(tree => string.Create(
        CultureInfo.InvariantCulture,
        $"stripe {tree.Stripe}: {tree.Peers.Count(peer => peer is { IsRoot: false, Standby: null })} without standby, {tree.SpareSlots} slots without a child, depths {string.Join(' ', tree.Peers.GroupBy(peer => peer.Depth).OrderBy(level => level.Key).Select(level => level.Count()))}")));

    public void Join(Viewer viewer, long nowMs) => _trees.Join(viewer.Id, viewer.UplinkMbps, viewer.LatencyMs, nowMs);

    public Loss Leave(string id, long nowMs)
    {
        var loss = default(Loss);
        foreach (var tree in _trees.Stripes)
        {
            var peer = tree.Find(id)!;
            var standbys = peer.Children.ToDictionary(child => child.Id, child => child.Standby?.Id, StringComparer.Ordinal);
            loss.Hit += peer.Subtree().Count() - 1;
            if (peer.Parent is { IsRoot: true } root)
                loss.HitIfEven += ((double)tree.PlacedViewers / root.Children.Count) - 1;
            loss.Orphans += standbys.Count;
            CountMoves(tree);
            tree.Leave(id, nowMs);
            // The first that an orphan is told is what it does by itself, when it can: to go on with its standby.
            var told = CountMoves(tree).Where(change => change is { Kind: ChangeKind.ParentAssigned, Reason: Reasons.ParentLeft });
            loss.ByStandby += told.Count(change => standbys.GetValueOrDefault(change.PeerId) is { } standby && standby == change.OtherId);
        }

        _trees.Forget(id);
        return loss;
    }

    public void Advance(long nowMs)
    {
        for (; _windowAtMs + WindowMs <= nowMs; _windowAtMs += WindowMs)
            Prove(_windowAtMs, _windowAtMs + WindowMs);
        for (; _tickAtMs + TickMs <= nowMs; _tickAtMs += TickMs)
        {
            foreach (var tree in _trees.Stripes)
                tree.Tick(LiftMovesPerTick, _tickAtMs + TickMs);
        }
    }

    public int TakeMoves()
    {
        foreach (var tree in _trees.Stripes)
            CountMoves(tree);
        var moves = _moves;
        _moves = 0;
        return moves;
    }

    public IEnumerable<Place> Places(int stripe) => _trees.Stripes[stripe].Peers
        .Where(peer => !peer.IsRoot)
        .Select(peer => new Place(peer.Depth, peer.Slots, peer.Children.Count, peer.ReservedSlots, peer.UplinkMbps));

    public int RootSlots(int stripe) => _trees.Stripes[stripe].Root!.Slots;

    public int Stranded => _trees.Stripes.Sum(tree => tree.Count - 1 - tree.PlacedViewers);

    private List<Change> CountMoves(Tree tree)
    {
        var changes = tree.TakeDelta().Changes;
        _moves += changes.Count(change => change is { Kind: ChangeKind.ParentAssigned, Reason: Reasons.Preempted or Reasons.Lifted or Reasons.ParentDegraded });
        return changes;
    }

    /// <summary>An honest relay proves every child that it had for the whole window.</summary>
    private void Prove(long fromMs, long toMs)
    {
        foreach (var tree in _trees.Stripes)
        {
            foreach (var peer in tree.Peers.Where(peer => peer is { IsRoot: false, Children.Count: > 0 }).ToList())
            {
                var proven = peer.Children.Count(child => child.AssignedAtMs <= fromMs);
                if (proven > 0)
                    tree.Proved(peer.Id, proven, toMs);
            }
        }
    }
}
