using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    /// <summary>A peer is gone: each of its children goes on to its standby or to the best place, with all that is below it.</summary>
    public void Leave(string id, long nowMs) => Leave([id], nowMs);

    /// <summary>
    /// Peers are gone together, as when an edge of the network fails. They are all taken out before anybody is placed, so that no orphan is
    /// sent to one of them.
    /// </summary>
    public void Leave(IReadOnlyList<string> ids, long nowMs)
    {
        var lost = new Peer[ids.Count];
        for (var i = 0; i < lost.Length; i++)
            lost[i] = _peers[ids[i]];
        var vacancies = new List<Vacancy>();
        foreach (var peer in lost)
        {
            var parent = peer.Parent;
            TakeOut(peer);
            if (SizeOf(peer) > WorthAVacancy)
                vacancies.Add(new Vacancy(parent, [.. peer.Children], peer.Size));
        }

        var orphans = new List<Orphan>();
        foreach (var peer in lost)
        {
            foreach (var child in peer.Children)
            {
                if (!child.IsGone)
                    orphans.Add(new Orphan(child, child.Depth));
            }
        }

        PlaceAll(orphans, nowMs);
        foreach (var peer in lost)
        {
            if (peer.IsLoose)
                _loose--;
            peer.IsLoose = false;
            peer.Depth = -1;
        }

        RestoreDepth(vacancies, orphans, nowMs);
        AdmitWaiting(nowMs);
        Finish();
    }

    /// <summary>The peer leaves the tree and the indices; its children stay linked to it until each is placed, which marks them as loose.</summary>
    private void TakeOut(Peer peer)
    {
        Debug.Assert(!peer.IsRoot, "without its root a tree is over");
        peer.IsGone = true;
        if (peer.IsWaiting)
            _waiting.Remove(peer);
        RevokeReservations(peer, tell: false);
        ReleaseStandby(peer, tell: true);
        CountDepth(peer, -1);
        Reindex(peer);
        if (peer.Parent is { } parent)
        {
            Unlink(peer);
            if (!parent.IsGone)
                Tell(parent, ChangeKind.ChildRemoved, peer);
        }

        SetBranch(peer, NoBranch);
        _peers.Remove(peer.Id);
        CountSlots(peer, -1);
        _removed.Add(peer.Id);
        _evictions.Remove(peer);
        if (peer.IsDegraded)
            _degraded.Remove(peer);
    }

    private void PlaceAll(List<Orphan> orphans, long nowMs)
    {
        // The strong first: each brings slots that the next may need.
        orphans.Sort(static (x, y) => StrongestFirst(x.Peer, y.Peer));
        // They switch to their standbys by themselves, so these places are taken before anybody searches for one. A standby may hang on
        // another orphan; then it counts once that one has its place.
        var open = orphans.Count;
        for (var placed = -1; placed != 0 && open > 0;)
        {
            placed = 0;
            for (var i = 0; i < orphans.Count; i++)
            {
                if (orphans[i].Peer is not { Standby: { } standby } orphan || orphan.Parent is { IsGone: false } || !LeadsToRoot(standby))
                    continue;
                UnlinkFromLost(orphan);
                Unreserve(orphan, standby);
                Adopt(orphan, standby, Reasons.ParentLeft, nowMs);
                placed++;
                open--;
            }
        }

        foreach (var (orphan, _) in orphans)
        {
            if (orphan.Parent is { IsGone: false })
                continue;
            UnlinkFromLost(orphan);
            if (!TryPlace(orphan, Reasons.ParentLeft, nowMs))
                Strand(orphan, nowMs);
        }
    }

    private void UnlinkFromLost(Peer orphan)
    {
        if (orphan.Parent is not null)
            Unlink(orphan);
    }

    private static int StrongestFirst(Peer x, Peer y) => x.Slots != y.Slots ? y.Slots.CompareTo(x.Slots) : x.Order.CompareTo(y.Order);

    /// <summary>Orphans with children that stand deeper than before.</summary>
    private static List<Peer> Sunk(List<Orphan> orphans) =>
        [.. orphans.Where(orphan => orphan.Peer.Depth > orphan.DepthBefore && orphan.Peer.ChildCount > 0).Select(orphan => orphan.Peer)];

    /// <summary>Nobody can take the orphan: it waits with all that is below it, and what is reserved there serves nobody.</summary>
    private void Strand(Peer orphan, long nowMs)
    {
        Detach(orphan);
        ReleaseStandby(orphan, tell: true);
        Enqueue(orphan, orphan: true, nowMs);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Orphan(Peer Peer, int DepthBefore);
}
