using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

public sealed class PayTests
{
    [Theory]
    [InlineData(125, 10_000, 1)]
    [InlineData(124, 10_000, 0)]
    [InlineData(249, 10_000, 1)]
    // 2.5 Mbps for 10 s are 3,125,000 bytes: 0.025 credits.
    [InlineData(3_125_000, 10_000, 25_000)]
    [InlineData(3_125_000, 5_000, 50_000)]
    [InlineData(0, 10_000, 0)]
    public void Relay_pay_is_a_hundredth_credit_per_megabit_per_second(long bytes, int windowMs, long microcredits) =>
        Assert.Equal(microcredits, RelayPay.Of(bytes, windowMs));

    [Fact]
    public void Relay_pay_of_any_number_of_bytes_does_not_overflow() =>
        Assert.Equal((Int128)long.MaxValue * 80, RelayPay.Of(long.MaxValue, 1));

    [Fact]
    public void Work_of_one_account_is_added_up_in_a_fixed_order() =>
        Assert.Equal([new("a", 7), new("b", 3)], RelayPay.Merge([new("b", 1), new("a", 7), new("b", 2)]));

    [Theory]
    // 6 viewers for 10 s are one viewer-minute.
    [InlineData(1_000, 6, 10_000, 1_000_000, 1_000)]
    [InlineData(1_000, 7, 10_000, 1_000_000, 1_166)]
    [InlineData(1_000, 6, 10_000, 999, 999)]
    [InlineData(1_000, 0, 10_000, 1_000_000, 0)]
    [InlineData(5, 1, 10_000, 1_000_000, 0)]
    [InlineData(Amounts.MaxRate, int.MaxValue, int.MaxValue, Amounts.Max, Amounts.Max)]
    public void A_window_costs_rate_by_viewer_minutes_and_never_more_than_is_left(long rate, int viewers, int windowMs, long left, long due) =>
        Assert.Equal(due, SponsorshipSpend.Due(rate, viewers, windowMs, left));

    [Fact]
    public void Sponsor_money_goes_by_shares_to_the_squad_and_by_bytes_to_the_relays() =>
        Assert.Equal(
            [new("host", 350), new("guest", 350), new("r1", 100), new("r2", 200)],
            SponsorshipSpend.Divide(1_000, 7_000, [new("host", 5_000), new("guest", 5_000)], [new("r1", 10), new("r2", 20), new("idle", 0)]));

    [Fact]
    public void Without_relays_the_squad_gets_all() =>
        Assert.Equal([new("host", 1_000)], SponsorshipSpend.Divide(1_000, 7_000, [new("host", 10_000)], [new("idle", 0)]));

    [Fact]
    public void Who_broadcasts_and_relays_is_paid_in_one_sum() =>
        Assert.Equal([new("host", 850), new("r", 150)], SponsorshipSpend.Divide(1_000, 7_000, [new("host", 10_000)], [new("host", 1), new("r", 1)]));

    [Fact]
    public void One_microcredit_of_a_sponsor_reaches_exactly_one_account() =>
        Assert.Equal([new("host", 1)], SponsorshipSpend.Divide(1, 7_000, [new("host", 10_000)], [new("r", 1)]));

    [Fact]
    public void A_tip_of_a_squad_member_goes_whole_to_the_others() =>
        Assert.Equal([new("b", 67), new("c", 33)], Squad.Divide(100, [new("a", 4_000), new("b", 4_000), new("c", 2_000)], except: "a"));

    [Fact]
    public void One_microcredit_over_a_squad_of_seven_is_one_payment() =>
        Assert.Equal([new("m0", 1)], Squad.Divide(1, [.. Enumerable.Range(0, 7).Select(i => new SquadShare($"m{i}", i < 4 ? 1_429 : 1_428))]));

    [Fact]
    public void A_squad_has_up_to_sixteen_members_whose_shares_make_a_whole()
    {
        SquadShare[] sixteen = [.. Enumerable.Range(0, 16).Select(i => new SquadShare($"m{i}", 625))];
        Assert.Equal(SquadFlaw.None, Squad.Check(sixteen));
        Assert.Equal(SquadFlaw.TooLarge, Squad.Check([.. sixteen, new SquadShare("m16", 1)]));
        Assert.Equal(SquadFlaw.DuplicateMember, Squad.Check([new("a", 5_000), new("a", 5_000)]));
        Assert.Equal(SquadFlaw.SharesDoNotAddUp, Squad.Check([new("a", 9_999)]));
        Assert.Equal(SquadFlaw.SharesDoNotAddUp, Squad.Check([new("a", 10_001)]));
        Assert.Equal(SquadFlaw.SharesDoNotAddUp, Squad.Check([new("a", 10_000), new("b", 0)]));
        Assert.Equal(SquadFlaw.SharesDoNotAddUp, Squad.Check([]));
    }

    [Fact]
    public void Derived_ids_are_stable_and_of_a_version_of_their_own()
    {
        var id = DerivedId.Of("relay", "stream", "1");
        Assert.Equal(id, DerivedId.Of("relay", "stream", "1"));
        Assert.NotEqual(id, DerivedId.Of("relay", "stream1", ""));
        Assert.NotEqual(DerivedId.Leg(id, 0), DerivedId.Leg(id, 1));
        Assert.True(DerivedId.IsDerived(id));
        Assert.True(DerivedId.IsDerived(DerivedId.Leg(id, 0)));
        Assert.False(DerivedId.IsDerived(Guid.CreateVersion7(DateTimeOffset.UnixEpoch)));
        // The journal holds these for ever: the way they are made may not change.
        Assert.Equal("1493d6d8-6094-8d2a-bb94-d0397745b402", id.ToString());
    }

    [Theory]
    [InlineData("guest-0123", true)]
    [InlineData("auth0|abc", true)]
    [InlineData("", false)]
    [InlineData("a\nb", false)]
    [InlineData("ledger:treasury", false)]
    [InlineData("LEDGER:x", false)]
    public void Nobody_has_a_wallet_under_a_name_of_the_ledger(string id, bool allowed) => Assert.Equal(allowed, AccountIds.IsWallet(id));

    [Fact]
    public void Ids_and_names_have_a_longest_length()
    {
        Assert.True(AccountIds.IsWallet(new string('a', 200)));
        Assert.False(AccountIds.IsWallet(new string('a', 201)));
        Assert.True(AccountIds.IsDisplayName(new string('a', 100)));
        Assert.False(AccountIds.IsDisplayName(new string('a', 101)));
        Assert.Equal(new string('a', 100), AccountIds.ClipDisplayName(new string('a', 101)));
        Assert.Equal(new string('a', 99), AccountIds.ClipDisplayName(new string('a', 99) + "😀"));
        Assert.Equal("ab", AccountIds.ClipDisplayName("a\u0000b"));
    }
}
