using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// Who was taken from a parent that failed it, or never reached it, is not sent back to that parent until the back-off ends, not even when
/// there is no other: it would only be moved again. Others may still get it as their last choice.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>One parent a child, the last one; so there are never more than peers.</summary>
    private readonly Dictionary<Peer, Eviction> _evictions = [];

    /// <summary>False while the back-off of this pair lasts.</summary>
    internal bool MayFeed(Peer parent, Peer child) =>
        _evictions.Count == 0 || !_evictions.TryGetValue(child, out var eviction) || !ReferenceEquals(eviction.From, parent);

    private void Evict(Peer child, Peer from, long untilMs) => _evictions[child] = new Eviction(from, untilMs);

    /// <summary>True when a change of many edges at once could bring somebody back to this parent.</summary>
    private bool HasEvicted(Peer parent)
    {
        foreach (var (child, eviction) in _evictions)
        {
            if (ReferenceEquals(eviction.From, parent) || ReferenceEquals(child, parent))
                return true;
        }

        return false;
    }

    private void EndEvictions(long nowMs)
    {
        if (_evictions.Count == 0)
            return;
        foreach (var (child, eviction) in _evictions)
        {
            if (eviction.UntilMs > nowMs && !eviction.From.IsGone)
                continue;
            _evictions.Remove(child);
            MarkDirty(child);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Eviction(Peer From, long UntilMs);
}
