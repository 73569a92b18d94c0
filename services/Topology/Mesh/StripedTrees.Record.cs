namespace Beacon.Topology.Mesh;

/// <summary>What outlives the owner, what the outside is told, and the figures of the whole stream.</summary>
internal sealed partial class StripedTrees
{
    /// <summary>Grows with every operation that changed something.</summary>
    public long Version => _stripes.Sum(tree => tree.Version);

    public bool HasDelta => _stripes.Any(tree => tree.HasDelta);

    /// <summary>True when nobody else may join.</summary>
    public bool IsFull => _stripes.Any(tree => tree.IsFull);

    /// <summary>How many more could get the whole stream who bring nothing: what the stripe with the fewest slots has.</summary>
    public int SpareSlots => _stripes.Min(tree => tree.SpareSlots);

    /// <summary>Viewers that miss one stripe or more.</summary>
    public int WaitingCount => _stripes.Length == 1 ? _stripes[0].WaitingCount : _stripes.SelectMany(tree => tree.Waiting).Select(peer => peer.Id).Distinct(StringComparer.Ordinal).Count();

    /// <summary>A peer has children at home alone, so it is degraded in one stripe at most.</summary>
    public int DegradedCount => _stripes.Sum(tree => tree.DegradedCount);

    /// <summary>Over all stripes: the mean of the means, and the maxima of the stripe that is furthest from its ideal.</summary>
    public Quality Quality()
    {
        var all = _stripes.Select(tree => tree.Quality()).ToList();
        var worst = all.MaxBy(quality => quality.MaxDepth - quality.IdealMaxDepth);
        return new Quality(all.Average(quality => quality.MeanDepth), all.Average(quality => quality.IdealMeanDepth), worst.MaxDepth, worst.IdealMaxDepth);
    }

    /// <summary>A peer's places, one for each stripe in their order.</summary>
    public IReadOnlyList<PeerRecord> Records(string id) => [.. _stripes.Select(tree => tree.Record(tree.Find(id)!))];

    /// <summary>All changes since the last call in all stripes, see <see cref="Tree.TakeDelta()"/>.</summary>
    public TreeDelta TakeDelta()
    {
        var delta = new TreeDelta();
        TakeDelta(delta);
        return delta;
    }

    /// <inheritdoc cref="Tree.TakeDelta(TreeDelta)"/>
    public void TakeDelta(TreeDelta delta)
    {
        foreach (var tree in _stripes)
            tree.TakeDelta(delta);
    }

    /// <summary>The trees that these records describe, see <see cref="Tree.Restore"/>.</summary>
    /// <param name="version">As <see cref="Version"/> was.</param>
    /// <param name="peers">Of each peer its <see cref="Records"/>.</param>
    public static StripedTrees Restore(int stripes, TreeRules rulesOfOne, long version, IReadOnlyCollection<IReadOnlyList<PeerRecord>> peers, long nowMs)
    {
        var trees = new StripedTrees([.. Enumerable.Range(0, stripes)
            .Select(stripe => Tree.Restore(stripe, rulesOfOne, stripe == 0 ? version : 0, peers.Select(places => places[stripe]), nowMs))]);
        foreach (var places in peers)
        {
            var home = places.ToList().FindIndex(place => place is { IsRoot: false } and ({ UplinkMbps: > 0 } or { Slots: > 0 }));
            if (home >= 0)
                trees.Settle(places[home].Id, home);
        }

        return trees;
    }

    /// <summary>As <see cref="Tree.Apply"/>: the same list gives the same trees.</summary>
    public void Apply(TreeOperation operation)
    {
        var at = operation.AtMs;
        switch (operation.Kind)
        {
            case OperationKind.Join:
                Join(operation.PeerIds[0], operation.Mbps, operation.LatencyMs, at, operation.Region);
                break;
            case OperationKind.Leave:
                Leave(operation.PeerIds, at);
                break;
            case OperationKind.Claimed:
                Claimed(operation.PeerIds[0], operation.Mbps, operation.Count, at);
                break;
            case OperationKind.Import:
                Import(operation.Arrivals ?? [], at);
                break;
            case OperationKind.ReplaceRoot:
                ReplaceRoot(operation.PeerIds[0], operation.Mbps, operation.Count, at);
                break;
            case OperationKind.Proved or OperationKind.Judged or OperationKind.Condemned or OperationKind.Accused or OperationKind.Unreachable:
                _stripes[operation.Stripe].Apply(operation);
                break;
            default:
                foreach (var tree in _stripes)
                    tree.Apply(operation);
                break;
        }
    }
}
