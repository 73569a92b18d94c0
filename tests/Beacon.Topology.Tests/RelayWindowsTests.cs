using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

public sealed class RelayWindowsTests
{
    private const int WindowMs = 10_000;
    private const long Unlimited = long.MaxValue;

    private static readonly Party Root = new("root", "broadcaster", "10.0.0");
    private static readonly Party Relay = new("relay", "alice", "10.0.1");
    private static readonly Party Child = new("child", "bob", "10.0.2");
    private static readonly Challenge Asked = new(0, 17, [.. Enumerable.Repeat((byte)7, 16)], [.. Enumerable.Repeat((byte)9, 32)]);

    private static RelayWindows NewWindows(bool excludeBlocks = true)
    {
        var windows = new RelayWindows(new SettlementRules(WindowMs, excludeBlocks));
        windows.Advance(0);
        windows.EdgeAssigned(Relay, Child, 0, 0);
        return windows;
    }

    /// <summary>Both ends count from here, and then this much moves.</summary>
    private static void Move(RelayWindows windows, long received, long claimed, string child = "child", string parent = "relay")
    {
        windows.Received(child, parent, 0, 1_000);
        windows.Claimed(parent, child, 0, 1_000);
        windows.Received(child, parent, 0, 1_000 + received);
        windows.Claimed(parent, child, 0, 1_000 + claimed);
    }

    private static Settlement SettleFirst(RelayWindows windows, long cap = Unlimited)
    {
        windows.Advance(WindowMs);
        Assert.Empty(windows.Settle(_ => cap));
        windows.Advance(2 * WindowMs);
        return Assert.Single(windows.Settle(_ => cap));
    }

    private static void Answer(RelayWindows windows, string peer = "child")
    {
        windows.Challenge(0, Asked);
        Assert.True(windows.Answered(peer, 0, Asked.Answer(peer)));
    }

    [Fact]
    public void Work_is_what_both_ends_say_once_the_child_has_answered()
    {
        var windows = NewWindows();
        Answer(windows);
        Move(windows, received: 5_000, claimed: 6_000);
        var settled = SettleFirst(windows);
        Assert.Equal(0, settled.Window);
        Assert.Equal(1, settled.Viewers);
        Assert.Equal([new AccountWork("alice", 5_000, 1, default)], settled.Work);
    }

    [Fact]
    public void A_claim_without_a_child_pays_nothing()
    {
        var windows = NewWindows();
        Answer(windows);
        windows.Claimed("relay", "nobody", 0, 0);
        windows.Claimed("relay", "nobody", 0, 1_000_000);
        windows.Claimed("child", "relay", 0, 1_000_000);
        Assert.Empty(SettleFirst(windows).Work);
    }

    [Fact]
    public void A_claim_above_the_receipts_pays_the_receipts_and_receipts_above_the_claim_pay_the_claim()
    {
        var lying = NewWindows();
        Answer(lying);
        Move(lying, received: 10, claimed: 1_000_000);
        Assert.Equal(10, Assert.Single(SettleFirst(lying).Work).Bytes);

        var generous = NewWindows();
        Answer(generous);
        Move(generous, received: 1_000_000, claimed: 20);
        Assert.Equal(20, Assert.Single(SettleFirst(generous).Work).Bytes);
    }

    [Fact]
    public void Without_an_answer_or_with_a_wrong_one_nothing_is_paid()
    {
        var windows = NewWindows();
        windows.Challenge(0, Asked);
        Move(windows, received: 5_000, claimed: 5_000);
        Assert.False(windows.Answered("child", 0, Asked.Answer("relay")));
        Assert.False(windows.Answered("child", 0, new byte[32]));
        Assert.False(windows.Answered("child", 0, []));
        Assert.False(windows.Answered("child", 5, Asked.Answer("child")));
        var settled = SettleFirst(windows);
        Assert.Equal((0, 0), (settled.Viewers, settled.ConsumedBytes));
        Assert.Equal([new AccountWork("alice", 0, 0, new RefusedBytes(0, 0, Unanswered: 5_000, 0))], settled.Work);
    }

    [Fact]
    public void An_answer_may_come_one_window_late_and_not_two()
    {
        var windows = NewWindows();
        windows.Challenge(0, Asked);
        Move(windows, received: 5_000, claimed: 5_000);
        windows.Advance(WindowMs + 9_999);
        Assert.Empty(windows.Settle(_ => Unlimited));
        Assert.True(windows.Answered("child", 0, Asked.Answer("child")));
        windows.Advance(2 * WindowMs);
        Assert.Equal(5_000, Assert.Single(Assert.Single(windows.Settle(_ => Unlimited)).Work).Bytes);
        Assert.False(windows.Answered("child", 0, Asked.Answer("child")));
    }

    [Fact]
    public void One_account_on_both_sides_pays_nothing()
    {
        var windows = NewWindows(excludeBlocks: false);
        windows.EdgeAssigned(Relay, new Party("child", "alice", "10.0.2"), 0, 0);
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        var settled = SettleFirst(windows);
        Assert.Equal([new AccountWork("alice", 0, 0, new RefusedBytes(SameAccount: 5_000, 0, 0, 0))], settled.Work);
        // It was received all the same.
        Assert.Equal(5_000, settled.ConsumedBytes);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 5_000)]
    public void One_address_block_on_both_sides_pays_nothing_where_the_rule_is_on(bool rule, long paid)
    {
        var windows = NewWindows(rule);
        windows.EdgeAssigned(Relay, new Party("child", "bob", Relay.AddressBlock), 0, 0);
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        var work = Assert.Single(SettleFirst(windows).Work);
        Assert.Equal((paid, 5_000 - paid), (work.Bytes, work.Refused.SameAddressBlock));
    }

    [Fact]
    public void An_unknown_address_block_is_not_the_same_as_another_unknown_one()
    {
        var windows = NewWindows();
        windows.EdgeAssigned(Relay with { AddressBlock = "" }, Child with { AddressBlock = "" }, 0, 0);
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        Assert.Equal(5_000, Assert.Single(SettleFirst(windows).Work).Bytes);
    }

    [Fact]
    public void A_parent_is_paid_at_most_what_its_slots_can_carry_over_all_its_children()
    {
        var windows = NewWindows();
        var second = new Party("second", "carol", "10.0.3");
        windows.EdgeAssigned(Relay, second, 0, 0);
        Answer(windows);
        Answer(windows, "second");
        Move(windows, received: 5_000, claimed: 5_000);
        Move(windows, received: 5_000, claimed: 5_000, child: "second");
        Assert.Equal([new AccountWork("alice", 7_000, 2, new RefusedBytes(0, 0, 0, OverSlots: 3_000))], SettleFirst(windows, cap: 7_000).Work);
    }

    [Fact]
    public void Peers_of_one_account_are_paid_together()
    {
        var windows = NewWindows();
        windows.EdgeAssigned(new Party("relay2", "alice", "10.0.7"), new Party("second", "carol", "10.0.3"), 0, 0);
        Answer(windows);
        Answer(windows, "second");
        Move(windows, received: 5_000, claimed: 5_000);
        Move(windows, received: 300, claimed: 300, child: "second", parent: "relay2");
        Assert.Equal([new AccountWork("alice", 5_300, 2, default)], SettleFirst(windows).Work);
    }

    [Fact]
    public void A_repeated_or_late_report_pays_nothing_twice()
    {
        var windows = NewWindows();
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        // The same again, then an older one, then the same again.
        Move(windows, received: 5_000, claimed: 5_000);
        windows.Received("child", "relay", 0, 500);
        Move(windows, received: 5_000, claimed: 5_000);
        Assert.Equal(5_000, Assert.Single(SettleFirst(windows).Work).Bytes);
    }

    [Fact]
    public void The_first_value_of_a_counter_is_where_counting_starts()
    {
        var windows = NewWindows();
        Answer(windows);
        windows.Received("child", "relay", 0, 1_000_000);
        windows.Claimed("relay", "child", 0, 1_000_000);
        Assert.Empty(SettleFirst(windows).Work);
    }

    [Fact]
    public void What_one_end_reports_late_is_made_up_for_in_the_next_window()
    {
        var windows = NewWindows();
        Answer(windows);
        windows.Received("child", "relay", 0, 0);
        windows.Claimed("relay", "child", 0, 0);
        windows.Received("child", "relay", 0, 5_000);
        windows.Claimed("relay", "child", 0, 4_000);
        windows.Advance(WindowMs);
        windows.Challenge(1, Asked);
        Assert.True(windows.Answered("child", 1, Asked.Answer("child")));
        windows.Claimed("relay", "child", 0, 9_000);
        windows.Received("child", "relay", 0, 9_000);
        windows.Advance(3 * WindowMs);
        var settled = windows.Settle(_ => Unlimited);
        Assert.Equal([4_000L, 5_000L], settled.Select(window => Assert.Single(window.Work).Bytes));
    }

    [Fact]
    public void Work_of_an_edge_that_ended_within_the_window_counts()
    {
        var windows = NewWindows();
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        windows.EdgeAssigned(Root, Child, 0, 5_000);
        Move(windows, received: 70, claimed: 70, parent: "root");
        Assert.Equal([new AccountWork("alice", 5_000, 1, default), new AccountWork("broadcaster", 70, 1, default)], SettleFirst(windows).Work);
    }

    [Fact]
    public void A_window_is_settled_once_also_by_a_new_owner()
    {
        var windows = NewWindows();
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        SettleFirst(windows);
        Assert.Empty(windows.Settle(_ => Unlimited));
        Assert.Equal(0, windows.LastSettled);

        var successor = new RelayWindows(new SettlementRules(WindowMs, true));
        successor.Resume(lastSettled: 2, nowMs: 2 * WindowMs);
        successor.EdgeAssigned(Relay, Child, 0, 2 * WindowMs);
        Assert.False(successor.Challenge(2, Asked));
        Move(successor, received: 5_000, claimed: 5_000);
        successor.Advance(4 * WindowMs);
        Assert.DoesNotContain(successor.Settle(_ => Unlimited), window => window.Window <= 2);
    }

    [Fact]
    public void The_end_of_a_stream_settles_all_that_is_open()
    {
        var windows = NewWindows();
        Answer(windows);
        Move(windows, received: 5_000, claimed: 5_000);
        Assert.Equal(5_000, Assert.Single(Assert.Single(windows.SettleAll(_ => Unlimited)).Work).Bytes);
        Assert.Empty(windows.SettleAll(_ => Unlimited).SelectMany(window => window.Work));
    }

    [Theory]
    [InlineData(1_250_000, 100_000, 10, true)] // 1 Mbit/s comes in, 0.08 goes out.
    [InlineData(1_250_000, 700_000, 10, false)]
    [InlineData(1_250_000, 1_250_000, 1_001, true)]
    [InlineData(1_250_000, 1_250_000, 1_000, false)]
    [InlineData(0, 0, 10, false)] // A quiet broadcast is nobody's fault.
    [InlineData(100_000, 99_000, 10, false)] // Nor is a slow one.
    public void A_parent_is_judged_by_what_its_children_get_of_what_it_gets(long intake, long delivered, double latencyMs, bool bad)
    {
        var verdict = Assert.Single(ParentJudge.Judge(
            [new Delivery("root", "relay", intake, intake, true), new Delivery("relay", "child", delivered, delivered, true)],
            _ => latencyMs,
            _ => true,
            new TreeRules { BitrateKbps = 1_000 },
            WindowMs));
        Assert.Equal(("relay", bad), (verdict.ParentId, verdict.Bad));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void The_median_of_the_children_decides(int starving, bool bad)
    {
        var deliveries = Enumerable.Range(0, 3)
            .Select(child => new Delivery("relay", $"child{child}", child < starving ? 0 : 1_250_000, child < starving ? 0 : 1_250_000, true))
            .Append(new Delivery("root", "relay", 1_250_000, 0, true))
            .ToList();
        var verdict = Assert.Single(ParentJudge.Judge(deliveries, _ => 10, _ => true, new TreeRules { BitrateKbps = 1_000 }, WindowMs));
        Assert.Equal((bad, 3 - starving), (verdict.Bad, verdict.ProvenChildren));
    }

    [Fact]
    public void Who_has_not_answered_proves_nothing_and_a_young_edge_says_nothing()
    {
        var judged = ParentJudge.Judge(
            [new Delivery("root", "relay", 1_000, 1_000, true), new Delivery("relay", "child", 1_000, 1_000, true), new Delivery("child", "young", 0, 0, false)],
            _ => 10,
            _ => false,
            new TreeRules { BitrateKbps = 1_000 },
            WindowMs);
        Assert.Equal([new ParentVerdict("relay", false, 0)], judged);
    }
}
