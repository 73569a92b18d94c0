using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// Who was taken from a parent that failed it, or never reached it, is not sent back to that parent until the back-off ends, not even when
/// there is no other, or when the next one fails it too: it would only be moved again. Others may still get it as their last choice.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>Parents of one child that are remembered; of more the one whose back-off ends first is forgotten.</summary>
    private const int MaxEvictionsOfOne = 4;

    private readonly Dictionary<Peer, List<Eviction>> _evictions = [];

    /// <summary>False while the back-off of this pair lasts.</summary>
    internal bool MayFeed(Peer parent, Peer child) =>
        _evictions.Count == 0 || !_evictions.TryGetValue(child, out var evictions) || !Names(evictions, parent);

    private void Evict(Peer child, Peer from, long untilMs)
    {
        ref var evictions = ref CollectionsMarshal.GetValueRefOrAddDefault(_evictions, child, out _);
        evictions ??= [];
        evictions.RemoveAll(eviction => ReferenceEquals(eviction.From, from));
        if (evictions.Count == MaxEvictionsOfOne)
            evictions.Remove(evictions.MinBy(eviction => eviction.UntilMs));
        evictions.Add(new Eviction(from, untilMs));
    }

    /// <summary>There is no other parent for the child.</summary>
    private void TakeBack(Peer child, Peer from)
    {
        if (_evictions.TryGetValue(child, out var evictions) && evictions.RemoveAll(eviction => ReferenceEquals(eviction.From, from)) > 0 && evictions.Count == 0)
            _evictions.Remove(child);
    }

    /// <summary>True when a change of many edges at once could bring somebody back to this parent.</summary>
    private bool HasEvicted(Peer parent)
    {
        foreach (var (child, evictions) in _evictions)
        {
            if (ReferenceEquals(child, parent) || Names(evictions, parent))
                return true;
        }

        return false;
    }

    private void EndEvictions(long nowMs)
    {
        if (_evictions.Count == 0)
            return;
        foreach (var (child, evictions) in _evictions)
        {
            if (evictions.RemoveAll(eviction => eviction.UntilMs <= nowMs || eviction.From.IsGone) == 0)
                continue;
            if (evictions.Count == 0)
                _evictions.Remove(child);
            MarkDirty(child);
        }
    }

    /// <summary>A loop: this is asked of every candidate of every decision, and a lambda would be made anew each time.</summary>
    private static bool Names(List<Eviction> evictions, Peer parent)
    {
        foreach (var eviction in evictions)
        {
            if (ReferenceEquals(eviction.From, parent))
                return true;
        }

        return false;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Eviction(Peer From, long UntilMs);
}
