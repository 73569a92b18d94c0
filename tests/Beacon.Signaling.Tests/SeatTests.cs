using Beacon.Contracts.Topology.V1;
using Beacon.Signaling.Sessions;

namespace Beacon.Signaling.Tests;

public sealed class SeatTests
{
    private static Seat NewSeat() => new(session: null!, "stream", "me", isRoot: false);

    private static PeerDirective Parent(long version, string peer, int stripe = 0) =>
        Directive(version, DirectiveKind.ParentAssigned, peer, "edge-of-" + peer, stripe);

    private static PeerDirective Directive(long version, DirectiveKind kind, string? peer = null, string edge = "", int stripe = 0) => new()
    {
        PeerId = "me",
        Version = version,
        Kind = kind,
        Stripe = stripe,
        Neighbour = peer is null ? null : new PeerNeighbour { PeerId = peer, EdgeId = edge },
    };

    private static Seat Confirmed()
    {
        var seat = NewSeat();
        seat.Confirm();
        return seat;
    }

    [Fact]
    public void Directives_that_overtake_the_answer_to_the_join_wait_for_it()
    {
        var seat = NewSeat();

        Assert.False(seat.TryApply(Parent(1, "a")));
        Assert.False(seat.TryApply(Parent(2, "b")));

        Assert.Equal(["a", "b"], seat.Confirm().Select(directive => directive.Neighbour!.PeerId));
        Assert.Null(seat.EdgeOf(0, "a"));
        Assert.Equal("edge-of-b", seat.EdgeOf(0, "b"));
    }

    [Fact]
    public void An_overtaken_directive_is_dropped()
    {
        var seat = Confirmed();

        Assert.True(seat.TryApply(Parent(5, "new")));
        Assert.False(seat.TryApply(Parent(4, "old")));
        Assert.False(seat.TryApply(Parent(5, "again")));

        Assert.Equal("edge-of-new", seat.EdgeOf(0, "new"));
        Assert.Null(seat.EdgeOf(0, "old"));
    }

    [Fact]
    public void A_peer_that_has_another_role_by_now_stays_a_neighbour()
    {
        var seat = Confirmed();
        Assert.True(seat.TryApply(Directive(1, DirectiveKind.ChildAssigned, "turned", "edge")));
        Assert.True(seat.TryApply(Parent(3, "turned")));
        Assert.True(seat.TryApply(Directive(2, DirectiveKind.ChildRemoved, "turned", "edge")));
        Assert.Equal("edge-of-turned", seat.EdgeOf(0, "turned"));

        Assert.True(seat.TryApply(Directive(5, DirectiveKind.ChildAssigned, "turned", "edge")));
        Assert.True(seat.TryApply(Parent(4, "other")));
        Assert.Equal("edge", seat.EdgeOf(0, "turned"));

        Assert.True(seat.TryApply(Directive(6, DirectiveKind.ChildRemoved, "turned", "edge")));
        Assert.Null(seat.EdgeOf(0, "turned"));
        Assert.Equal("edge-of-other", seat.EdgeOf(0, "other"));
    }

    [Fact]
    public void What_was_overtaken_by_word_of_something_else_still_counts()
    {
        var seat = Confirmed();

        Assert.True(seat.TryApply(Directive(9, DirectiveKind.ChildRemoved, "gone", "edge")));
        Assert.True(seat.TryApply(Directive(8, DirectiveKind.StandbyAssigned, "standby", "edge-of-standby")));
        Assert.True(seat.TryApply(Parent(7, "parent")));
        Assert.True(seat.TryApply(Directive(6, DirectiveKind.ChildAssigned, "child", "edge-of-child")));
        Assert.False(seat.TryApply(Directive(5, DirectiveKind.ChildAssigned, "gone", "edge")));
        Assert.False(seat.TryApply(Directive(5, DirectiveKind.Waiting)));

        Assert.Equal("edge-of-parent", seat.EdgeOf(0, "parent"));
        Assert.Equal("edge-of-standby", seat.EdgeOf(0, "standby"));
        Assert.Equal("edge-of-child", seat.EdgeOf(0, "child"));
        Assert.Null(seat.EdgeOf(0, "gone"));
    }

    [Fact]
    public void The_last_word_about_many_former_children_is_forgotten_and_about_the_parent_never()
    {
        var seat = Confirmed();
        seat.TryApply(Parent(1_000, "parent"));
        for (var version = 1; version <= 500; version++)
            seat.TryApply(Directive(version, DirectiveKind.ChildRemoved, $"child {version}", "edge"));

        Assert.False(seat.TryApply(Parent(999, "older")));
        Assert.False(seat.TryApply(Directive(499, DirectiveKind.ChildAssigned, "child 500", "edge")));
        Assert.True(seat.TryApply(Directive(1, DirectiveKind.ChildAssigned, "child 1", "edge")));
    }

    [Fact]
    public void A_child_is_where_its_latest_offer_came_from()
    {
        var seat = Confirmed();
        seat.TryApply(Directive(1, DirectiveKind.ChildAssigned, "child", "old"));

        seat.Meet(0, "child", "new");
        Assert.Equal("new", seat.EdgeOf(0, "child"));

        seat.TryApply(Directive(2, DirectiveKind.ChildAssigned, "child", "newer"));
        Assert.Equal("newer", seat.EdgeOf(0, "child"));
    }

    [Fact]
    public void Stripes_count_their_versions_apart()
    {
        var seat = Confirmed();

        Assert.True(seat.TryApply(Parent(9, "a", stripe: 0)));
        Assert.True(seat.TryApply(Parent(1, "b", stripe: 1)));

        Assert.Equal("edge-of-a", seat.EdgeOf(0, "a"));
        Assert.Equal("edge-of-b", seat.EdgeOf(1, "b"));
        Assert.Null(seat.EdgeOf(1, "a"));
    }

    [Fact]
    public void A_standby_that_becomes_the_parent_stays_a_neighbour()
    {
        var seat = Confirmed();
        seat.TryApply(Parent(1, "a"));
        seat.TryApply(Directive(2, DirectiveKind.StandbyAssigned, "b", "edge-of-b"));
        seat.TryApply(Parent(3, "b"));
        seat.TryApply(Directive(4, DirectiveKind.StandbyAssigned));

        Assert.Equal("edge-of-b", seat.EdgeOf(0, "b"));
        Assert.Null(seat.EdgeOf(0, "a"));
    }

    [Fact]
    public void It_knows_whom_the_client_was_told_last()
    {
        var seat = Confirmed();
        // An edge that has told nobody says so; one that says nothing is of another kind.
        Assert.Equal([(0, "", "")], Told(seat));
        seat.TryApply(Parent(1, "a"));
        Assert.Equal([(0, "a", "")], Told(seat));
        seat.TryApply(Directive(2, DirectiveKind.StandbyAssigned, "b", "edge-of-b"));
        seat.TryApply(Directive(7, DirectiveKind.StandbyAssigned, "c", "edge-of-c", stripe: 1));
        Assert.Equal([(0, "a", "b"), (1, "", "c")], Told(seat));
        seat.TryApply(Directive(3, DirectiveKind.StandbyAssigned));
        Assert.Equal([(0, "a", ""), (1, "", "c")], Told(seat));
        seat.TryApply(Directive(4, DirectiveKind.Waiting));
        Assert.Equal([(0, "", ""), (1, "", "c")], Told(seat));

        static IEnumerable<(uint, string, string)> Told(Seat seat) => seat.Told().Select(told => (told.Stripe, told.ParentPeerId, told.StandbyPeerId)).Order();
    }

    [Fact]
    public void A_removed_child_is_no_neighbour_any_more()
    {
        var seat = Confirmed();
        seat.TryApply(Directive(1, DirectiveKind.ChildAssigned, "c", "e"));
        Assert.Equal("e", seat.EdgeOf(0, "c"));

        seat.TryApply(Directive(2, DirectiveKind.ChildRemoved, "c", "e"));
        Assert.Null(seat.EdgeOf(0, "c"));
    }
}
