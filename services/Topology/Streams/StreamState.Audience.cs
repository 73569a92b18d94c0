namespace Beacon.Topology.Streams;

/// <summary>Viewers who go to another stream, as they are known here.</summary>
internal sealed partial class StreamState
{
    /// <summary>Those of the peers who are viewers here, with the shape of the first tree. Each brings what it brings to the one tree where it relays.</summary>
    public IReadOnlyList<ArrivalCommand> Audience(IReadOnlyList<string> peerIds)
    {
        var arrivals = new List<(int Depth, ArrivalCommand Arrival)>(peerIds.Count);
        foreach (var peerId in peerIds.Distinct(StringComparer.Ordinal))
        {
            if (peerId == Trees.RootId || !_members.TryGetValue(peerId, out var member))
                continue;
            var first = Trees[0].Find(peerId)!;
            var uplinkMbps = Trees.Stripes.Max(tree => tree.Find(peerId)!.UplinkMbps);
            arrivals.Add((first.Depth, new ArrivalCommand(member.Member, uplinkMbps, first.LatencyMs, first.Parent?.Id)));
        }

        return [.. arrivals.OrderBy(arrival => arrival.Depth).Select(arrival => arrival.Arrival)];
    }
}
