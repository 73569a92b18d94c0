using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;

namespace Beacon.Ledger.Tests;

/// <summary>What is paid for relaying, what is refused, and why.</summary>
public sealed class RelaySettlementTests
{
    private const int WindowMs = 10_000;

    /// <summary>The bytes of one Mbit/s in a window; they pay 10,000 micro-credits.</summary>
    private const long Megabit = 1_250_000;

    private static readonly RelayPayRules Rules = new(MaxMbpsPerAccount: 10, MaxMbpsPerStream: 20, ProbationWindows: 0, ProbationAccounts: 1);

    [Fact]
    public void An_account_is_paid_up_to_its_cap_and_not_a_byte_beyond()
    {
        Assert.Equal([new Payment("a", 100_000)], Settle(Rules, null, new RelayWork("a", 10 * Megabit)).Pay);
        Assert.Empty(Settle(Rules, null, new RelayWork("a", 10 * Megabit)).Refused);
        var over = Settle(Rules, null, new RelayWork("a", (10 * Megabit) + 1));
        Assert.Equal([new Payment("a", 100_000)], over.Pay);
        Assert.Equal([new RefusedWork("a", RefusalReason.OverAccountCap, 1)], over.Refused);
    }

    [Fact]
    public void Above_the_cap_of_a_stream_all_are_cut_in_proportion()
    {
        var settled = Settle(Rules, null, new("a", 10 * Megabit), new("b", 10 * Megabit), new("c", 5 * Megabit));
        Assert.Equal([new("a", 80_000), new("b", 80_000), new("c", 40_000)], settled.Pay);
        Assert.Equal(
            [new("a", RefusalReason.OverStreamCap, 2 * Megabit), new("b", RefusalReason.OverStreamCap, 2 * Megabit), new("c", RefusalReason.OverStreamCap, Megabit)],
            settled.Refused);
    }

    [Fact]
    public void No_more_is_paid_for_than_viewers_verifiably_received()
    {
        var settled = Settle(Rules, 3 * Megabit, new("a", 4 * Megabit), new("b", 2 * Megabit));
        Assert.Equal([new("a", 20_000), new("b", 10_000)], settled.Pay);
        Assert.Equal(3 * Megabit, settled.Paid.Sum(work => work.VerifiedBytes));
        Assert.All(settled.Refused, work => Assert.Equal(RefusalReason.OverConsumption, work.Reason));
        Assert.Equal(3 * Megabit, settled.Refused.Sum(work => work.Bytes));
        Assert.Empty(Settle(Rules, 6 * Megabit, new("a", 4 * Megabit), new("b", 2 * Megabit)).Refused);
        Assert.Empty(Settle(Rules, 0, new RelayWork("a", 1)).Pay);
    }

    [Fact]
    public void What_was_excluded_before_earns_nothing_and_is_noted()
    {
        var settled = Settle(Rules, null, new RelayWork("a", 0, 0, [new(RefusalReason.SameAccount, 7), new(RefusalReason.SameAddressBlock, 8)]));
        Assert.Empty(settled.Pay);
        Assert.Equal([new("a", RefusalReason.SameAccount, 7), new("a", RefusalReason.SameAddressBlock, 8)], settled.Refused);
    }

    [Theory]
    [InlineData(20_261)]
    public void Whatever_is_told_never_more_is_paid_for_than_was_consumed_or_is_allowed(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            var work = RelayPay.Merge(Enumerable.Range(0, random.Next(1, 12)).Select(i => new RelayWork($"r{random.Next(8)}", random.NextInt64(0, 20 * Megabit))));
            var consumed = random.NextInt64(0, 60 * Megabit);
            var settled = RelaySettlement.Of(work, WindowMs, consumed, Rules, _ => default);
            Assert.InRange(settled.Paid.Sum(entry => entry.VerifiedBytes), 0, Math.Min(consumed, 20 * Megabit));
            Assert.All(settled.Paid, entry => Assert.InRange(entry.VerifiedBytes, 1, 10 * Megabit));
            // Every byte is paid for or refused for a reason.
            Assert.Equal(work.Sum(entry => entry.VerifiedBytes), settled.Paid.Sum(entry => entry.VerifiedBytes) + settled.Refused.Sum(entry => entry.Bytes));
            Assert.InRange(settled.Pay.Sum(payment => payment.Amount), 0, (long)RelayPay.Of(consumed, WindowMs));
        }
    }

    [Fact]
    public async Task A_new_account_is_paid_with_the_last_window_of_its_probation_for_all_of_them()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RelayProbationWindows = 3, RelayProbationAccounts = 2 });
        await rig.DoAsync(Window(1, new RelayWork("r", Megabit, ReceiptAccounts: 2)).Decide);
        // Too few accounts speak for this one: its pay is kept, and it does not count.
        await rig.DoAsync(Window(2, new RelayWork("r", Megabit, ReceiptAccounts: 1)).Decide);
        await rig.DoAsync(Window(3, new RelayWork("r", Megabit, ReceiptAccounts: 2)).Decide);
        await rig.DoAsync(Window(3, new RelayWork("r", Megabit, ReceiptAccounts: 2)).Decide);
        Assert.Equal((0, 0), (await rig.BalanceAsync("r"), await rig.BalanceAsync(AccountIds.RelayIssuance)));
        Assert.Equal(new RelayStanding(2, 30_000), await rig.DoAsync(state => state.Standing("r")));
        Assert.Equal(3, await rig.SqlAsync($"SELECT count(*) FROM refused_work WHERE reason = {(int)RefusalReason.Probation} AND microcredits = 10000"));

        await rig.DoAsync(Window(4, new RelayWork("r", Megabit, ReceiptAccounts: 2)).Decide);
        Assert.Equal(40_000, await rig.BalanceAsync("r"));
        await rig.DoAsync(Window(5, new RelayWork("r", Megabit, ReceiptAccounts: 1)).Decide);
        Assert.Equal(50_000, await rig.BalanceAsync("r"));
        Assert.Equal(50_000, await rig.DoAsync(state => state.Find("r")!.RelayEarnings));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task Windows_that_come_in_another_order_and_again_pay_the_same()
    {
        var paid = new List<(long, long, RelayStanding)>();
        foreach (var order in new[] { new[] { 1, 2, 3, 4 }, [4, 2, 1, 3, 4, 1], [3, 3, 1, 1, 4, 2] })
        {
            await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RelayProbationWindows = 2 });
            foreach (var window in order)
                await rig.DoAsync(Window(window, new("a", window * Megabit), new("b", Megabit)).Decide);
            paid.Add((await rig.BalanceAsync("a"), await rig.BalanceAsync("b"), await rig.DoAsync(state => state.Standing("a"))));
            await rig.AssertSoundAsync();
        }

        Assert.Equal([(100_000, 40_000, new RelayStanding(2, 0))], paid.Distinct());
    }

    [Fact]
    public async Task Probation_goes_on_after_a_restart()
    {
        var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RelayProbationWindows = 2 });
        await rig.DoAsync(Window(1, new RelayWork("r", Megabit)).Decide);
        rig = await rig.RestartAsync(new LedgerOptions { RelayProbationWindows = 2 });
        await using var _ = rig;
        Assert.Equal(0, await rig.BalanceAsync("r"));
        await rig.DoAsync(Window(2, new RelayWork("r", Megabit)).Decide);
        Assert.Equal(20_000, await rig.BalanceAsync("r"));
    }

    [Fact]
    public async Task An_account_on_probation_has_no_part_of_a_sponsorship()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RelayProbationWindows = 2 });
        await rig.FundAsync("sponsor", 2_000);
        await rig.StreamAsync("s", "host");
        await rig.DoAsync(new FundSponsorship("sponsor", "", LedgerRig.Id(7), "s", 2_000, 1_000).Decide);
        await rig.DoAsync((Window(1, new RelayWork("r", Megabit)) with { Viewers = 6 }).Decide);
        Assert.Equal((1_000, 0), (await rig.BalanceAsync("host"), await rig.BalanceAsync("r")));
        await rig.DoAsync((Window(2, new RelayWork("r", Megabit)) with { Viewers = 6 }).Decide);
        Assert.Equal((1_700, 20_300), (await rig.BalanceAsync("host"), await rig.BalanceAsync("r")));
    }

    [Fact]
    public async Task The_report_keeps_the_largest_of_a_window_and_the_latest_of_all()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RelayProbationWindows = 0, RefusedWorkPerWindow = 2, RefusedWorkKept = 3 });
        for (var window = 1; window <= 3; window++)
        {
            await rig.DoAsync(Window(window,
            [
                .. Enumerable.Range(1, 4).Select(i => new RelayWork($"r{i}", Megabit, 1, [new ExcludedWork(RefusalReason.Unanswered, (10 * window) + i)])),
            ]).Decide);
        }

        Assert.Equal(3, await rig.SqlAsync("SELECT count(*) FROM refused_work"));
        // Of each window the two largest were noted; the last three rows are left: 23, then 34 and 33.
        Assert.Equal(23 + 34 + 33, await rig.SqlAsync("SELECT sum(bytes) FROM refused_work"));
    }

    private static RelaySettlement Settle(RelayPayRules rules, long? consumed, params RelayWork[] work) =>
        RelaySettlement.Of(RelayPay.Merge(work), WindowMs, consumed, rules, _ => default);

    private static SettleWindow Window(long window, params RelayWork[] work) => new("s", "host", window, WindowMs, 0, work);
}
