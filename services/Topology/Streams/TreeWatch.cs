using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>
/// The latest changes of one stripe's tree, for those who watch it. They ask for what came after the number they have; whoever has fallen
/// out of what is kept reads the tree anew. So a watcher, however slow, costs the owner this memory and no
/// time. A tree that nobody watches keeps nothing.
/// </summary>
internal sealed class TreeWatch(Tree tree)
{
    private const int MaxBatches = 256;
    private const int MaxPeers = 20_000;

    /// <summary>Watchers ask again and again; after so long there are none.</summary>
    private const long WatchedForMs = 30_000;

    private readonly Queue<TreeBatch> _batches = new();
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private int _peers;
    private bool _isWatched;
    private long _watchedUntilMs;

    /// <summary>Number of the last batch.</summary>
    public long Last { get; private set; }

    public TreeFigures Figures
    {
        get
        {
            var quality = tree.Quality();
            return new TreeFigures(tree.Version, quality.MeanDepth, quality.IdealMeanDepth, quality.MaxDepth, quality.IdealMaxDepth, tree.WaitingCount);
        }
    }

    public static PlaceView View(Peer peer) => new(
        peer.Id,
        peer.Parent?.Id,
        peer.Standby?.Id,
        peer.Depth,
        peer.Slots,
        peer.Children.Count,
        peer.UplinkMbps,
        peer.LatencyMs,
        peer.IsDegraded,
        peer.Reason);

    public void Watch(long nowMs)
    {
        _isWatched = true;
        _watchedUntilMs = nowMs + WatchedForMs;
    }

    public void Note(TreeDelta delta)
    {
        if (!_isWatched)
        {
            // Who had a number from before must not take it for the latest.
            Last++;
            return;
        }

        foreach (var id in delta.Removed)
        {
            _removed.Add(id);
            _changed.Remove(id);
        }

        foreach (var peer in delta.Changed)
        {
            _removed.Remove(peer.Id);
            _changed.Add(peer.Id);
        }
    }

    /// <summary>What was noted has been committed: it is told, as it stands now.</summary>
    public void Tell()
    {
        if (_changed.Count + _removed.Count == 0)
            return;
        var batch = new TreeBatch(Figures, [.. _changed.Select(tree.Find).OfType<Peer>().Select(View)], [.. _removed]);
        _changed.Clear();
        _removed.Clear();
        Last++;
        _batches.Enqueue(batch);
        _peers += batch.Size;
        while (_batches.Count > MaxBatches || (_peers > MaxPeers && _batches.Count > 1))
            _peers -= _batches.Dequeue().Size;
    }

    /// <summary>What came after this number; null when not all of it is kept any more.</summary>
    public IReadOnlyList<TreeBatch>? After(long number)
    {
        var missing = Last - number;
        return missing < 0 || missing > _batches.Count ? null : [.. _batches.Skip(_batches.Count - (int)missing)];
    }

    public void Tick(long nowMs)
    {
        if (!_isWatched || nowMs < _watchedUntilMs)
            return;
        _isWatched = false;
        _batches.Clear();
        _changed.Clear();
        _removed.Clear();
        _peers = 0;
        Last++;
    }
}
