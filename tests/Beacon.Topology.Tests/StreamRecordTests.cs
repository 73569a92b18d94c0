using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Tests;

public sealed class StreamRecordTests
{
    private static StreamSegments Batch(Member member, params PeerRecord[] places) => Segments.Of([member], places.Select(place => new StripePlace(0, place)));

    private static PeerState Read(StreamSegments segments) => Assert.Single(StreamRecord.ReadSegments(segments.Bytes));

    [Theory]
    [InlineData("p1")]
    [InlineData("01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("01890A5D-AC96-774B-BCCE-B302099A8057")]
    [InlineData("01890a5dac96774bbcceb302099a8057abcd")]
    [InlineData("Ünïcödé")]
    public void An_id_comes_out_as_it_went_in(string id)
    {
        foreach (var member in new[] { new Member(id, id, id, id), new Member(id, id, id, id, TicketMac: true) })
            Assert.Equal(member, Read(Batch(member, Place() with { Id = id })).Member);
    }

    [Fact]
    public void Every_field_of_a_place_is_in_the_record()
    {
        // By reflection, so that a field that is added and not written fails here.
        var constructor = typeof(PeerRecord).GetConstructors().Single(constructor => constructor.GetParameters().Length > 1);
        var number = 3;
        var full = (PeerRecord)constructor.Invoke([.. constructor.GetParameters().Select(parameter => parameter switch
        {
            { Name: "Id" } => "a",
            { Name: "Reason" } => Reasons.Lifted,
            _ when parameter.ParameterType == typeof(string) => $"text{++number}",
            _ when parameter.ParameterType == typeof(bool) => true,
            _ when parameter.ParameterType == typeof(EvictionRecords) => new EvictionRecords([new("e", ++number), new("f", ++number)]),
            _ => Convert.ChangeType(++number, parameter.ParameterType, provider: null),
        })]);
        Assert.Equal(full, Assert.Single(Read(Batch(new Member("a", "b", "c", "d"), full)).Places).Place);
    }

    [Fact]
    public void The_largest_and_the_smallest_figures_come_out_as_they_went_in()
    {
        var place = Place() with { UplinkMbps = double.MaxValue, LatencyMs = 0.1, Version = long.MaxValue, AssignedAtMs = long.MinValue, Slots = int.MinValue, WaitingSince = -1 };
        Assert.Equal(place, Assert.Single(Read(Batch(new Member("a", "b", "c", ""), place)).Places).Place);
    }

    [Fact]
    public void A_place_that_changed_costs_less_than_a_hundred_bytes()
    {
        var ids = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7().ToString()).ToList();
        var place = Place() with { Id = ids[0], ParentId = ids[1], StandbyId = ids[2], Version = 1_000, AssignedAtMs = 1_900_000_000_000 };
        var segment = Assert.Single(Segments.Of([], [new StripePlace(0, place)]).Bytes);
        Assert.InRange(segment.Length, 1, 99);
    }

    [Fact]
    public void A_text_of_more_than_253_bytes_is_refused()
    {
        Assert.Equal(new string('x', 253), Read(Batch(new Member("a", new string('x', 253), "", ""), Place())).Member.AccountId);
        Assert.Throws<ArgumentException>(() => Read(Batch(new Member("a", new string('x', 254), "", ""), Place())));
    }

    [Fact]
    public void A_record_of_another_version_or_cut_off_is_not_read()
    {
        var segment = Batch(new Member("a", "b", "c", "d"), Place()).Bytes[0];
        Assert.Throws<InvalidDataException>(() => StreamRecord.ReadSegments([[StreamRecord.Version + 1, .. segment[1..]]]));
        for (var length = 2; length < segment.Length; length++)
        {
            var cut = segment[..length];
            // Cut between two entries it is a shorter record.
            if (length != 11)
                Assert.Throws<InvalidDataException>(() => StreamRecord.ReadSegments([cut]));
        }
    }

    private static PeerRecord Place() => new("a", false, 10, 20, 2, "root", null, 3, Reasons.Joined, 5, 0, 0, 0, false);
}
