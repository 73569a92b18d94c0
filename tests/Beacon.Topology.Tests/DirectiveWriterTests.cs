using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Tests;

public sealed class DirectiveWriterTests
{
    private const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly MemberState _member = Member("peer", "edge-1", ticketMac: false);
    private readonly MemberState _other = Member("other", "edge-2", ticketMac: true);

    private Peer Peer => _member[0].Peer;

    private Peer Other => _other[0].Peer;

    [Fact]
    public void What_is_written_is_read_as_it_was()
    {
        PeerNeighbour neighbour = new() { PeerId = "other", EdgeId = "edge-2", TicketMac = true };
        var from = (long)5 << 20;
        Assert.Equal(
            [
                new() { StreamId = "stream", PeerId = "peer", Version = from + 1, Kind = DirectiveKind.ParentAssigned, Stripe = 2, Neighbour = neighbour, Depth = 3, Reason = "lifted", Traceparent = Trace },
                new() { PeerId = "peer", Version = from + 2, Kind = DirectiveKind.StandbyAssigned },
                new() { PeerId = "peer", Version = from + 3, Kind = DirectiveKind.ChildAssigned, Neighbour = neighbour, Standby = true },
                new() { PeerId = "peer", Version = from + 4, Kind = DirectiveKind.ChildRemoved, Neighbour = neighbour, DrainMs = 2_000 },
                new() { PeerId = "peer", Version = from + 5, Kind = DirectiveKind.Waiting, Position = 7, EstimateMs = int.MaxValue },
            ],
            Written(
                (new Change(ChangeKind.ParentAssigned, Peer, 1, Other, Depth: 3, Reason: "lifted", Stripe: 2), Trace),
                (new Change(ChangeKind.StandbyAssigned, Peer, 2), null),
                (new Change(ChangeKind.ChildAssigned, Peer, 3, Other, IsStandby: true), null),
                (new Change(ChangeKind.ChildRemoved, Peer, 4, Other, DrainMs: 2_000), null),
                (new Change(ChangeKind.Waiting, Peer, 5, Position: 7, EstimateMs: long.MaxValue), null)));
    }

    [Fact]
    public void A_part_ends_before_it_grows_too_large_and_begins_with_its_stream()
    {
        // Ids of the greatest length: fewer of these fill a part than there may be in one.
        var longest = Member(new string('a', 253), new string('b', 253), ticketMac: true);
        foreach (var member in new[] { _member, longest })
        {
            using var writer = new DirectiveWriter("stream");
            for (var version = 1; version <= 1_100; version++)
                writer.Write(member, new Change(ChangeKind.ParentAssigned, member[0].Peer, version, member[0].Peer, Depth: 1, Reason: "joined"), Trace);
            var parts = writer.Close();

            Assert.All(parts, part => Assert.InRange(part.Bytes.Length, 1, DirectiveWriter.MaxBytes));
            Assert.All(parts, part => Assert.InRange(part.Count, 1, DirectiveWriter.MaxDirectives));
            var read = parts.Select(part => PeerDirectives.Parser.ParseFrom(part.Bytes).Directives.ToList()).ToList();
            Assert.Equal(parts.Select(part => part.Count), read.Select(part => part.Count));
            Assert.All(read, part => Assert.Equal(["stream", .. Enumerable.Repeat("", part.Count - 1)], part.Select(directive => directive.StreamId)));
            Assert.Equal(Enumerable.Range(1, 1_100).Select(version => ((long)5 << 20) + version), read.SelectMany(part => part).Select(directive => directive.Version));
        }
    }

    [Fact]
    public void Nothing_is_no_part()
    {
        using var writer = new DirectiveWriter("stream");
        Assert.Empty(writer.Close());
    }

    private List<PeerDirective> Written(params (Change Change, string? Trace)[] changes)
    {
        using var writer = new DirectiveWriter("stream");
        foreach (var (change, trace) in changes)
            writer.Write(_member, change, trace);
        return [.. PeerDirectives.Parser.ParseFrom(Assert.Single(writer.Close()).Bytes).Directives];
    }

    private static MemberState Member(string id, string edgeId, bool ticketMac)
    {
        var member = new MemberState(new Member(id, "account", edgeId, "", TicketMac: ticketMac), stripes: 1, numbersFrom: 5, nowMs: 1);
        member[0].Peer = new Peer(id, isRoot: false, order: 1) { Tag = member };
        return member;
    }
}
