namespace Beacon.Topology.Mesh;

/// <summary>
/// A slot near the root carries a whole subtree, so a weak relay there costs more than its own place: with two slots fewer than it could
/// have, hundreds of peers stand one level deeper. Such a relay changes places with a strong one below it, children and all.
/// </summary>
internal sealed partial class Tree
{
    /// <summary>Levels below a relay that are searched for a stronger one.</summary>
    private const int LevelsBelow = 3;

    /// <summary>Peers that come one level up for each connection changed: below this an exchange is more stir than gain.</summary>
    private const int WorthAnExchange = 4;

    /// <summary>At most one exchange, the shallowest that gains enough for each connection that it changes.</summary>
    private void TryExchange(long nowMs)
    {
        var deepest = MaxDepth;
        for (var depth = 1; depth < deepest - 1; depth++)
        {
            var ranks = _relays.RanksAt(depth);
            if (ranks == 0 || _relays.At(depth, PlaceIndex.Lowest(ranks)).Latest is not { Parent.IsDegraded: false } weak)
                continue;
            if (StrongestBelow(depth) is { } strong && strong.Slots - weak.Slots >= WorthAMove && IsWorthExchange(strong, weak))
            {
                Exchange(strong, weak, nowMs);
                return;
            }
        }
    }

    private Peer? StrongestBelow(int depth)
    {
        Peer? strongest = null;
        for (var below = depth + 1; below <= depth + LevelsBelow; below++)
        {
            var ranks = _relays.RanksAt(below);
            if (ranks != 0 && _relays.At(below, PlaceIndex.Highest(ranks))[0] is { IsDegraded: false } found && (strongest is null || found.Slots > strongest.Slots))
                strongest = found;
        }

        return strongest;
    }

    /// <summary>Each slot more lifts a subtree like those that are there.</summary>
    private bool IsWorthExchange(Peer strong, Peer weak)
    {
        var gain = (strong.Slots - weak.Slots) * (long)SizeOf(weak) / Math.Max(1, (int)weak.ChildCount);
        var moves = weak.ChildCount + strong.ChildCount + 2;
        return gain >= WorthAnExchange * moves;
    }

    private void Exchange(Peer strong, Peer weak, long nowMs)
    {
        if (HasEvicted(strong) || HasEvicted(weak) || HasMovedOrItsChildren(strong) || HasMovedOrItsChildren(weak))
            return;
        var above = weak.Parent!;
        var former = strong.Parent!;
        Unlink(strong);
        Unlink(weak);
        var ofWeak = UnlinkChildren(weak);
        var ofStrong = UnlinkChildren(strong);
        Adopt(strong, above, Reasons.Lifted, nowMs);
        foreach (var child in ofWeak)
            MoveTo(child, strong, weak, nowMs);
        // By now the former parent has its path again, when it stood below the weak one.
        Adopt(weak, ReferenceEquals(former, weak) ? strong : former, Reasons.Preempted, nowMs);
        foreach (var child in ofStrong)
            MoveTo(child, weak.Room > 0 ? weak : strong.Room > 0 ? strong : BestParent(child) ?? BestParent(null)!, strong, nowMs);
        TellMovedFrom(above, weak);
        TellMovedFrom(former, strong);
    }

    private List<Peer> UnlinkChildren(Peer parent)
    {
        var children = parent.Children.ToList();
        foreach (var child in children)
            Unlink(child);
        return children;
    }

    private void MoveTo(Peer child, Peer parent, Peer former, long nowMs)
    {
        if (ReferenceEquals(child.Standby, parent))
            ReleaseStandby(child, tell: false);
        if (ReferenceEquals(parent, former))
        {
            Link(child, parent);
            return;
        }

        Adopt(child, parent, Reasons.Lifted, nowMs);
        Tell(former, ChangeKind.ChildRemoved, child, drainMs: _rules.DrainMs);
    }
}
