using Beacon.Topology.Streams;

namespace Beacon.Topology.Tests;

/// <summary>Segments of a record as an owner writes them.</summary>
internal static class Segments
{
    public static StreamSegments Of(IEnumerable<Member> members, IEnumerable<StripePlace> places, IEnumerable<string>? removed = null)
    {
        var segments = new SegmentWriter();
        foreach (var id in removed ?? [])
            segments.Removed(id);
        foreach (var member in members)
            segments.Add(member);
        foreach (var (stripe, place) in places)
            segments.Add(stripe, place);
        return segments.Close();
    }
}
