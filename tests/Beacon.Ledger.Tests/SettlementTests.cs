using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;

namespace Beacon.Ledger.Tests;

public sealed class SettlementTests
{
    private const int WindowMs = 10_000;

    [Fact]
    public async Task A_window_pays_each_relay_once_however_often_it_is_told()
    {
        await using var rig = await LedgerRig.StartAsync();
        var settle = Settle(window: 1, viewers: 3, new("r1", 3_125_000), new("r2", 125), new("leaf", 124));
        Assert.Equal(PostingStatus.Posted, await rig.DoAsync(settle.Decide));
        // Another order is the same content.
        Assert.Equal(PostingStatus.Exists, await rig.DoAsync(Settle(1, 3, new("leaf", 124), new("r2", 125), new("r1", 3_125_000)).Decide));
        Assert.Equal((25_000, 1, 0), (await rig.BalanceAsync("r1"), await rig.BalanceAsync("r2"), await rig.BalanceAsync("leaf")));
        Assert.Equal(-25_001, await rig.BalanceAsync(AccountIds.RelayIssuance));
        Assert.Equal(25_000, await rig.DoAsync(state => state.Find("r1")!.RelayEarnings));
        await rig.AssertSoundAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_large_window_is_paid_in_parts_and_once_across_a_crash_between_them(int probation)
    {
        var options = new LedgerOptions { RelayProbationWindows = probation };
        var rig = await LedgerRig.StartAsync(options: options);
        await rig.FundAsync("sponsor", 1_000_000);
        await rig.StreamAsync("s", "host");
        Assert.Null((await rig.DoAsync(new FundSponsorship("sponsor", "", LedgerRig.Id(1), "s", 500_000, 60).Decide)).Refusal);
        var count = (2 * SettleWindow.PartRelays) + 1;
        var settle = new SettleWindow("s", "host", 1, WindowMs, 100, [.. Enumerable.Range(0, count).Select(i => new RelayWork($"r{i:D6}", 1_250 + i))]);
        // The last of the second part cannot be paid: what a crash between the parts leaves.
        await rig.SqlAsync($"CREATE TRIGGER crash BEFORE INSERT ON transfers WHEN NEW.credit = (SELECT number FROM accounts WHERE account_id = 'r{(2 * SettleWindow.PartRelays) - 1:D6}') AND (SELECT code FROM batches WHERE sequence = NEW.batch) = {(int)TransferCode.Relay} BEGIN SELECT RAISE(ABORT, 'crash'); END; SELECT 0");
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken).AsTask());
        Assert.Equal((Pay(0), 0), (await rig.DoAsync(state => state.Find("r000000")!.RelayEarnings), await rig.DoAsync(state => state.Find($"r{SettleWindow.PartRelays:D6}")?.RelayEarnings ?? 0)));

        rig = await rig.RestartAsync(options);
        await using var _ = rig;
        await rig.SqlAsync("DROP TRIGGER crash; SELECT 0");
        Assert.Equal(PostingStatus.Exists, await settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken));
        Assert.Equal(PostingStatus.Exists, await settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken));
        Assert.Equal(
            Enumerable.Range(0, count).Select(Pay),
            await rig.DoAsync(state => Enumerable.Range(0, count).Select(i => state.Find($"r{i:D6}")!.RelayEarnings).ToList()));
        // 100 viewers for a sixth of a minute, charged once.
        Assert.Equal(1_000, (await rig.DoAsync(state => state.ActiveSponsorship(LedgerRig.Id(1))))!.Spent);
        Assert.Equal(PostingStatus.ExistsWithDifferentContent, await (settle with { Viewers = 99 }).RunAsync(rig.Writer, options, TestContext.Current.CancellationToken));
        await rig.AssertSoundAsync();

        static long Pay(int relay) => (1_250 + relay) / 125;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Sponsor_money_of_a_large_window_reaches_its_relays_with_their_parts_and_once(int probation)
    {
        var options = new LedgerOptions { RelayProbationWindows = probation };
        var rig = await LedgerRig.StartAsync(options: options);
        await rig.FundAsync("sponsor", 1_000_000_000);
        await rig.StreamAsync("s", "host");
        var count = (2 * SettleWindow.PartRelays) + 1;
        // Every third had its probation before; without any they are all alike.
        var known = Enumerable.Range(0, count).Where(i => i % 3 == 0 || probation == 0).ToArray();
        for (var window = 1; window <= probation; window++)
            await rig.DoAsync(new SettleWindow("s", "host", window, WindowMs, 0, [.. known.Select(i => new RelayWork($"r{i:D6}", 1_250))]).Decide);
        Assert.Null((await rig.DoAsync(new FundSponsorship("sponsor", "", LedgerRig.Id(0), "s", 400_000_000, 6_000_000).Decide)).Refusal);
        Assert.Null((await rig.DoAsync(new FundSponsorship("sponsor", "", LedgerRig.Id(1), "s", 20_000_000, 6_000_000).Decide)).Refusal);
        var settle = new SettleWindow("s", "host", 9, WindowMs, 100, [.. Enumerable.Range(0, count).Select(i => new RelayWork($"r{i:D6}", 1_250 + i))]);
        // The second part cannot be paid: what a crash between the parts leaves.
        await rig.SqlAsync($"CREATE TRIGGER crash BEFORE INSERT ON batches WHEN NEW.batch_id = x'{DerivedId.Of("relay", "s", "9", "1"):N}' BEGIN SELECT RAISE(ABORT, 'crash'); END; SELECT 0");
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken).AsTask());
        // 100 viewers for a sixth of a minute: 100 million of the one, all that the other has; of both, 30 % go to relays.
        var early = await Task.WhenAll(known.TakeWhile(i => i < SettleWindow.PartRelays).Select(ShareAsync));
        Assert.Equal(36_000_000, early.Sum() + await rig.BalanceAsync(AccountIds.RelayShares));
        Assert.Equal(84_000_000, await rig.BalanceAsync("host"));

        rig = await rig.RestartAsync(options);
        await using var _ = rig;
        await rig.SqlAsync("DROP TRIGGER crash; SELECT 0");
        // What it spent is spent, although not all of it has arrived.
        Assert.True((await rig.DoAsync(new EndSponsorship("sponsor", LedgerRig.Id(0)).Decide)).Value);
        Assert.Equal(1_000_000_000 - 120_000_000, await rig.BalanceAsync("sponsor"));
        Assert.Equal(PostingStatus.Exists, await settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken));
        Assert.Equal(PostingStatus.Exists, await settle.RunAsync(rig.Writer, options, TestContext.Current.CancellationToken));
        var shares = await Task.WhenAll(known.Select(ShareAsync));
        Assert.Equal(early, shares.Take(early.Length));
        Assert.Equal((36_000_000, 0), (shares.Sum(), await rig.BalanceAsync(AccountIds.RelayShares)));
        var bytes = known.Sum(i => 1_250L + i);
        // Rounded down twice, or up: to its part, and to the relay.
        Assert.All(known.Zip(shares), relay => Assert.InRange(relay.Second, (36_000_000L * (1_250 + relay.First) / bytes) - 2, (36_000_000L * (1_250 + relay.First) / bytes) + 2));
        Assert.Equal((84_000_000, 0), (await rig.BalanceAsync("host"), await rig.BalanceAsync("r000001") - (probation == 0 ? await ShareAsync(1) + Pay(1) : 0)));
        await rig.AssertSoundAsync();
        Assert.Empty(Beacon.Ledger.Journal.LedgerProof.Of(rig.Path).Problems);

        async Task<long> ShareAsync(int relay) => await rig.DoAsync(state => state.Find($"r{relay:D6}") is { } account ? account.Balance - account.RelayEarnings : 0);

        static long Pay(int relay) => (1_250 + relay) / 125;
    }

    [Fact]
    public async Task Others_have_their_turn_between_the_parts_of_a_window()
    {
        await using var rig = await LedgerRig.StartAsync();
        var relays = Enumerable.Range(0, 4 * SettleWindow.PartRelays).Select(i => new RelayWork($"r{i:D6}", 125)).ToArray();
        var settled = new SettleWindow("s", "host", 1, WindowMs, 0, relays).RunAsync(rig.Writer, new LedgerOptions { RelayProbationWindows = 0 }, TestContext.Current.CancellationToken).AsTask();
        var seen = new HashSet<long>();
        while (!settled.IsCompleted)
            seen.Add(await rig.BalanceAsync(AccountIds.RelayIssuance));
        await settled;
        Assert.Equal(-4 * SettleWindow.PartRelays, await rig.BalanceAsync(AccountIds.RelayIssuance));
        Assert.Contains(seen, balance => balance is < 0 and > -4 * SettleWindow.PartRelays);
        Assert.All(seen, balance => Assert.Equal(0, balance % SettleWindow.PartRelays));
    }

    [Fact]
    public async Task A_settled_window_is_not_settled_again_with_other_work()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.DoAsync(Settle(1, 1, new RelayWork("r1", 1_250)).Decide);
        Assert.Equal(PostingStatus.ExistsWithDifferentContent, await rig.DoAsync(Settle(1, 1, new RelayWork("r1", 9_999_999)).Decide));
        Assert.Equal(10, await rig.BalanceAsync("r1"));
    }

    [Fact]
    public async Task Work_beyond_any_sense_is_paid_up_to_the_cap_of_an_account()
    {
        await using var rig = await LedgerRig.StartAsync();
        Assert.Equal(PostingStatus.Posted, await rig.DoAsync(Settle(1, 1, new RelayWork("r1", 125_000_000_000_125), new RelayWork("r2", 125)).Decide));
        // 1,000 Mbit/s, at 0.01 credits each.
        Assert.Equal((10_000_000, 1), (await rig.BalanceAsync("r1"), await rig.BalanceAsync("r2")));
        Assert.Equal(125_000_000_000_125 - 1_250_000_000, await rig.SqlAsync($"SELECT bytes FROM refused_work WHERE account_id = 'r1' AND reason = {(int)RefusalReason.OverAccountCap}"));
    }

    [Fact]
    public async Task A_window_without_an_audience_leaves_nothing_behind()
    {
        await using var rig = await LedgerRig.StartAsync();
        Assert.Equal(PostingStatus.Posted, await rig.DoAsync(Settle(1, viewers: 0).Decide));
        Assert.Equal(0, await rig.SqlAsync("SELECT count(*) FROM batches"));
    }

    [Fact]
    public async Task A_sponsorship_is_spent_by_viewer_minutes_and_split_by_work()
    {
        await using var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, budget: 2_500, rate: 1_000);
        // 6 viewers for 10 s are one viewer-minute: 1,000; of that 700 to the host, 300 by bytes.
        await rig.DoAsync(Settle(1, 6, new("r1", 1_000), new("r2", 2_000)).Decide);
        await rig.DoAsync(Settle(1, 6, new("r1", 1_000), new("r2", 2_000)).Decide);
        Assert.Equal((700, 108, 216, 1_500), (await rig.BalanceAsync("host"), await rig.BalanceAsync("r1"), await rig.BalanceAsync("r2"), await Escrow(rig)));
        await rig.DoAsync(Settle(2, 6).Decide);
        Assert.Equal((1_700, 500), (await rig.BalanceAsync("host"), await Escrow(rig)));
        await rig.DoAsync(Settle(3, 6).Decide);
        Assert.Equal((2_200, 0), (await rig.BalanceAsync("host"), await Escrow(rig)));
        await rig.DoAsync(Settle(4, 6).Decide);
        Assert.Equal(2_200, await rig.BalanceAsync("host"));
        Assert.Equal((int)SponsorshipState.Spent, await rig.SqlAsync("SELECT state FROM sponsorships"));
        Assert.Equal(2_500, await rig.SqlAsync("SELECT spent FROM sponsorships"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task The_share_of_the_broadcaster_is_an_option_and_goes_by_the_squad()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { BroadcasterShareBps = 5_000, RelayProbationWindows = 0 });
        await FundAsync(rig, budget: 1_000, rate: 1_000);
        await rig.OpenAsync("guest");
        await rig.DoAsync(new SetSquad("host", "s", [new("host", 7_500), new("guest", 2_500)]).Decide);
        await rig.DoAsync(Settle(1, 6, new RelayWork("r1", 1)).Decide);
        Assert.Equal((375, 125, 500), (await rig.BalanceAsync("host"), await rig.BalanceAsync("guest"), await rig.BalanceAsync("r1")));
    }

    [Fact]
    public async Task An_old_window_that_is_told_again_does_not_charge_a_newer_sponsorship()
    {
        await using var rig = await LedgerRig.StartAsync();
        var old = Settle(1, 6, new RelayWork("r1", 1_000));
        await rig.DoAsync(old.Decide);
        await FundAsync(rig, budget: 1_000, rate: 1_000);
        await rig.DoAsync(old.Decide);
        Assert.Equal(1_000, await Escrow(rig));
    }

    [Fact]
    public async Task The_end_of_a_stream_gives_back_what_is_left_once()
    {
        await using var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, budget: 2_500, rate: 1_000);
        await rig.DoAsync(Settle(1, 6).Decide);
        await EndAsync(rig);
        await EndAsync(rig);
        Assert.Equal((1_500, 1_000, 0), (await rig.BalanceAsync("sponsor"), await rig.BalanceAsync("host"), await Escrow(rig)));
        Assert.Equal((int)SponsorshipState.Ended, await rig.SqlAsync("SELECT state FROM sponsorships"));
        // The last window settles after the end: its relays are paid, the sponsor is not charged any more.
        await rig.DoAsync(Settle(2, 6, new RelayWork("r1", 1_250)).Decide);
        Assert.Equal((10, 1_500), (await rig.BalanceAsync("r1"), await rig.BalanceAsync("sponsor")));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task Sponsorships_and_squads_survive_a_restart()
    {
        var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, budget: 2_000, rate: 1_000);
        await rig.OpenAsync("guest");
        await rig.DoAsync(new SetSquad("host", "s", [new("guest", 6_000), new("host", 4_000)]).Decide);
        await rig.DoAsync(Settle(1, 6).Decide);
        rig = await rig.RestartAsync();
        await using var _ = rig;
        await rig.DoAsync(Settle(1, 6).Decide);
        await rig.DoAsync(Settle(2, 3).Decide);
        Assert.Equal((600, 900, 500), (await rig.BalanceAsync("host"), await rig.BalanceAsync("guest"), await Escrow(rig)));
        Assert.Equal(1, (await rig.DoAsync(state => state.Stream("s")))!.SquadVersion);
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_stream_that_ended_takes_no_tip_but_knows_a_former_one()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "host");
        await rig.TipAsync("ann", "s", 10, id: 1);
        await EndAsync(rig);
        Assert.Equal("unknown_stream", (await rig.TipAsync("ann", "s", 10, id: 2)).Refusal?.Reason);
        Assert.Equal(90, (await rig.TipAsync("ann", "s", 10, id: 1)).Value!.Transfers[0].DebitBalance);
        Assert.Equal(90, await rig.BalanceAsync("ann"));
    }

    [Fact]
    public async Task Facts_of_a_stream_may_come_in_any_order()
    {
        await using var rig = await LedgerRig.StartAsync();
        var startedAt = rig.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        rig.Clock.Advance(TimeSpan.FromSeconds(10));
        await EndAsync(rig);
        await rig.DoAsync(state => StreamFacts.Started(state, "s", "host", startedAt));
        Assert.False((await rig.DoAsync(state => state.Stream("s")))!.IsLive);
        // The broadcaster came back under the same id after the stream was given up.
        await rig.DoAsync(state => StreamFacts.Started(state, "s", "host", startedAt + 10_001));
        Assert.True((await rig.DoAsync(state => state.Stream("s")))!.IsLive);
        Assert.Equal("host", (await rig.DoAsync(state => StreamFacts.Started(state, "s", "thief", startedAt + 99_999))).BroadcasterAccountId);
    }

    [Fact]
    public async Task A_tip_of_one_microcredit_over_seven_arrives_at_one()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 10);
        await rig.StreamAsync("s", "m0");
        SquadShare[] seven = [.. Enumerable.Range(0, 7).Select(i => new SquadShare($"m{i}", i < 4 ? 1_429 : 1_428))];
        await rig.OpenAsync([.. seven.Select(member => member.AccountId)]);
        Assert.Null((await rig.DoAsync(new SetSquad("m0", "s", seven).Decide)).Refusal);
        var posted = (await rig.TipAsync("ann", "s", 1, id: 1)).Value!;
        Assert.Equal([("m0", 1L)], posted.Transfers.Select(leg => (leg.Credit.Id, leg.Amount)));
        // One leg bears the caller's id; of several, each has a derived one.
        Assert.Equal(LedgerRig.Id(1), posted.Transfers[0].Id);
        var seventh = (await rig.TipAsync("ann", "s", 8, id: 2)).Value!;
        Assert.Equal([2L, 1, 1, 1, 1, 1, 1], seventh.Transfers.Select(leg => leg.Amount));
        Assert.Equal(DerivedId.Leg(LedgerRig.Id(2), 6), seventh.Transfers[6].Id);
        Assert.Equal(1, await rig.BalanceAsync("ann"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_tip_asked_again_after_the_squad_changed_is_still_the_same_tip()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "host");
        await rig.TipAsync("ann", "s", 10, id: 1);
        await rig.OpenAsync("guest");
        await rig.DoAsync(new SetSquad("host", "s", [new("guest", 10_000)]).Decide);
        Assert.Equal(["host"], (await rig.TipAsync("ann", "s", 10, id: 1)).Value!.Transfers.Select(leg => leg.Credit.Id));
        Assert.Equal((90, 10, 0), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("host"), await rig.BalanceAsync("guest")));
    }

    [Fact]
    public async Task The_same_squad_again_is_no_change()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.StreamAsync("s", "host");
        await rig.OpenAsync("guest");
        var squad = new SetSquad("host", "s", [new("host", 5_000), new("guest", 5_000)]);
        Assert.Equal(1, (await rig.DoAsync(squad.Decide)).Value!.SquadVersion);
        Assert.Equal(1, (await rig.DoAsync(squad.Decide)).Value!.SquadVersion);
        Assert.Equal(2, (await rig.DoAsync((squad with { Members = [new("host", 10_000)] }).Decide)).Value!.SquadVersion);
    }

    private static SettleWindow Settle(long window, int viewers, params RelayWork[] relays) => new("s", "host", window, WindowMs, viewers, relays);

    private static Task<bool> EndAsync(LedgerRig rig) => rig.DoAsync(state =>
    {
        StreamFacts.Ended(state, "s", "host", state.NowMs);
        return true;
    });

    private static async Task FundAsync(LedgerRig rig, long budget, long rate)
    {
        await rig.FundAsync("sponsor", budget);
        await rig.StreamAsync("s", "host");
        Assert.Null((await rig.DoAsync(new FundSponsorship("sponsor", "Sponsor", LedgerRig.Id(77), "s", budget, rate).Decide)).Refusal);
    }

    private static Task<long> Escrow(LedgerRig rig) => rig.BalanceAsync(AccountIds.Escrow(LedgerRig.Id(77)));
}
