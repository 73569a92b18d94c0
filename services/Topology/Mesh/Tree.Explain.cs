namespace Beacon.Topology.Mesh;

internal sealed partial class Tree
{
    private const int ExplainedCandidates = 5;

    /// <summary>
    /// Why a peer stands where it stands: its parent beside the best alternatives of this moment. It is worked out when somebody asks, so
    /// that it is there for every peer, and a decision pays nothing for it. Null while the peer has no parent.
    /// </summary>
    public Decision? Explain(string id)
    {
        if (_peers.GetValueOrDefault(id) is not { IsAttached: true, Parent: { } parent } peer)
            return null;
        var candidates = new List<DecisionCandidate> { Describe(parent, "", chosen: true) };
        for (var depth = 0; depth < _room.Depths && candidates.Count < ExplainedCandidates; depth++)
        {
            for (var ranks = _room.RanksAt(depth); ranks != 0; ranks &= PlaceIndex.Below(PlaceIndex.Highest(ranks)))
            {
                var heap = _room.At(depth, PlaceIndex.Highest(ranks));
                for (var at = 0; at < heap.Count && candidates.Count < ExplainedCandidates; at++)
                {
                    if (!ReferenceEquals(heap[at], parent) && !ReferenceEquals(heap[at], peer))
                        candidates.Add(Describe(heap[at], Verdict(peer, heap[at], parent), chosen: false));
                }
            }
        }

        return new Decision(peer.Reason, peer.AssignedAtMs, candidates);
    }

    private string Verdict(Peer peer, Peer other, Peer chosen)
    {
        if (!MayFeed(other, peer))
            return "evicted";
        if (other.IsWithin(peer))
            return "below_itself";
        if (peer.RidesFree && other.Depth < chosen.Depth)
            return "for_those_who_share";
        if (other.Depth != chosen.Depth)
            return other.Depth > chosen.Depth && !peer.RidesFree ? "deeper" : "came_free_later";
        // What the peer itself holds now, as child and as standby, was spare when it chose.
        var chosenBefore = Math.Max(0, chosen.Room - chosen.Reserved.Count + 1);
        var otherBefore = Math.Max(0, other.Room - other.Reserved.Count + (ReferenceEquals(other, peer.Standby) ? 1 : 0));
        var isAsNear = StepOf(other.LatencyMs) == StepOf(chosen.LatencyMs);
        var isInOtherRegion = isAsNear && peer.Region != 0 && chosen.Region == peer.Region && other.Region != peer.Region;
        // The last slot of the chosen one may have been a reserved one as well: then the next rule decided.
        if (otherBefore == 0 && (chosenBefore > 1 || (other.LatencyMs <= chosen.LatencyMs && !isInOtherRegion)))
            return "reserved";
        if (otherBefore > 0 && otherBefore != chosenBefore)
            return otherBefore < chosenBefore ? "less_spare_uplink" : "came_free_later";
        if (!isAsNear)
            return other.LatencyMs > chosen.LatencyMs ? "slower" : "in_a_fuller_branch";
        return isInOtherRegion ? "other_region" : "came_later";
    }

    private DecisionCandidate Describe(Peer peer, string verdict, bool chosen) =>
        new(peer.Id, peer.Depth, peer.FreeSlots, Math.Max(0, peer.FreeSlots) * _rules.BitrateKbps / 1000.0, peer.LatencyMs, chosen, verdict, _regions.NameOf(peer.Region));
}
