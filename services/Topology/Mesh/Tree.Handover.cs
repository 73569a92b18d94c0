using System.Diagnostics;

namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>
    /// A viewer takes over as the root and the former root is gone. The root's children go on with their new one, subtrees and depth as
    /// they were; those that it cannot feed, and the viewer's own children, find places as the orphans of a loss do.
    /// </summary>
    /// <param name="id">A viewer of this tree, with a place or waiting.</param>
    public void ReplaceRoot(string id, double uplinkMbps, int maxChildren, long nowMs)
    {
        var heir = _peers[id];
        var former = Root!;
        Debug.Assert(!heir.IsRoot, "the root cannot follow itself");
        var orphans = heir.Children.Select(child => new Orphan(child, child.Depth)).ToList();
        UnlinkChildren(heir);
        TakePlaceFrom(heir);
        var tops = UnlinkChildren(former);
        RevokeReservations(former, tell: false);
        former.IsGone = true;
        CountDepth(former, -1);
        Reindex(former);
        _peers.Remove(former.Id);
        _removed.Add(former.Id);

        CountSlots(heir, -1);
        heir.IsRoot = true;
        heir.UplinkMbps = uplinkMbps;
        heir.Slots = _rules.RootSlots(uplinkMbps, maxChildren);
        heir.Reason = "";
        CountSlots(heir, 1);
        Root = heir;
        SetBranch(heir, NoBranch);
        SetDepth(heir, 0);
        MarkDirty(heir);

        // The strong keep the places next to the root.
        tops.Sort(StrongestFirst);
        foreach (var top in tops)
        {
            if (heir.Room > 0)
                Adopt(top, heir, Reasons.ParentLeft, nowMs);
            else
                orphans.Add(new Orphan(top, top.Depth));
        }

        PlaceAll(orphans, nowMs);
        former.Depth = -1;
        RestoreDepth([], orphans, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>What a viewer holds that is about to feed all others: its place, its standby, its number, its verdicts.</summary>
    private void TakePlaceFrom(Peer heir)
    {
        if (heir.IsWaiting)
            _waiting.Remove(heir);
        RevokeReservations(heir, tell: true);
        ReleaseStandby(heir, tell: true);
        if (heir.Parent is { } parent)
        {
            Unlink(heir);
            Tell(parent, ChangeKind.ChildRemoved, heir);
        }

        if (heir.IsLoose)
            _loose--;
        heir.IsLoose = false;
        _evictions.Remove(heir);
        if (heir.IsDegraded)
            _degraded.Remove(heir);
        heir.DegradedUntilMs = 0;
        heir.Strikes = heir.BadWindows = 0;
    }
}
