using System.Net.Http.Json;
using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>Pace, end and report of sponsorships.</summary>
public sealed class SponsorshipTests
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";
    private static readonly Guid Id = LedgerRig.Id(77);

    [Fact]
    public void A_campaign_makes_its_budget_free_evenly_and_all_of_it_at_its_end()
    {
        var sponsorship = Sponsorship(new Pace(0, 100_000));
        Assert.Equal([0, 1, 500, 999, 1_000, 1_000], new long[] { 1_000, 1_100, 51_000, 100_999, 101_000, 999_999 }.Select(sponsorship.Allowed));
        var spent = sponsorship.Deliver(new Delivery(1, 400, 0), 41_000);
        Assert.Equal([0, 100, 600], new long[] { 41_000, 51_000, 101_000 }.Select(spent.Allowed));
        // A clock that went back frees nothing and takes nothing.
        Assert.Equal(0, sponsorship.Allowed(0));
        Assert.Equal(0, spent.Allowed(2_000));
    }

    [Fact]
    public void The_bound_of_an_hour_holds_within_the_clock_hour_and_begins_anew_with_the_next()
    {
        var noon = 12 * Books.Sponsorship.HourMs;
        var sponsorship = Sponsorship(new Pace(300, 0));
        Assert.Equal(300, sponsorship.Allowed(noon));
        var spent = sponsorship.Deliver(new Delivery(1, 200, 0), noon).Deliver(new Delivery(1, 100, 0), noon + 1);
        Assert.Equal((0, 300), (spent.Allowed(noon + Books.Sponsorship.HourMs - 1), spent.Allowed(noon + Books.Sponsorship.HourMs)));
        var last = spent.Deliver(new Delivery(1, 600, 0), noon + Books.Sponsorship.HourMs);
        Assert.Equal(100, last.Allowed(noon + (2 * Books.Sponsorship.HourMs)));
        Assert.Equal(SponsorshipState.Spent, last.Deliver(new Delivery(1, 100, 0), noon).State);
    }

    [Theory]
    [InlineData(4_711)]
    public void Whatever_the_audience_does_no_pace_and_no_budget_is_overrun(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var pace = new Pace(random.Next(2) == 0 ? 0 : random.Next(1, 400), random.Next(2) == 0 ? 0 : random.Next(1, 20_000_000));
            var sponsorship = Sponsorship(pace);
            var byHour = new Dictionary<long, long>();
            var nowMs = sponsorship.CreatedAtMs;
            for (var window = 0; window < 200 && sponsorship.State == SponsorshipState.Active; window++)
            {
                nowMs += random.Next(1, 400_000);
                var due = SponsorshipSpend.Due(random.Next(1, 3_000), random.Next(20), 10_000, sponsorship.Allowed(nowMs));
                sponsorship = sponsorship.Deliver(new Delivery(1, due, 0), nowMs);
                byHour[nowMs / Books.Sponsorship.HourMs] = byHour.GetValueOrDefault(nowMs / Books.Sponsorship.HourMs) + due;
                Assert.InRange(sponsorship.Spent, 0, sponsorship.Budget);
                if (pace.CampaignMs > 0)
                    Assert.True(sponsorship.Spent <= sponsorship.Budget * Math.Min(nowMs - sponsorship.CreatedAtMs, pace.CampaignMs) / pace.CampaignMs);
            }

            Assert.All(byHour.Values, spent => Assert.InRange(spent, 0, pace.MaxPerHour == 0 ? sponsorship.Budget : pace.MaxPerHour));
        }
    }

    [Fact]
    public async Task A_paced_sponsorship_pays_what_time_made_free_and_ends_with_its_campaign()
    {
        await using var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, new Pace(0, 600_000));
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        // A tenth of the time: a tenth of 1,000, although ten viewer-minutes at 1,000 were delivered.
        await rig.DoAsync(Window(1, viewers: 60).Decide);
        await rig.DoAsync(Window(2, viewers: 60).Decide);
        Assert.Equal((100, 900), (await rig.BalanceAsync("host"), await rig.BalanceAsync(AccountIds.Escrow(Id))));
        rig.Clock.Advance(TimeSpan.FromMinutes(4));
        await rig.DoAsync(Window(3, viewers: 60).Decide);
        Assert.Equal(500, await rig.BalanceAsync("host"));
        Assert.Equal(3 * 600_000, await rig.SqlAsync("SELECT viewer_ms FROM sponsorships"));
        Assert.Equal(0, await rig.DoAsync(EndSponsorship.Overdue));
        rig.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, await rig.DoAsync(EndSponsorship.Overdue));
        Assert.Equal(0, await rig.DoAsync(EndSponsorship.Overdue));
        Assert.Equal((500, 0), (await rig.BalanceAsync("sponsor"), await rig.BalanceAsync(AccountIds.Escrow(Id))));
        await rig.DoAsync(Window(4, viewers: 60).Decide);
        Assert.Equal(500, await rig.BalanceAsync("host"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task The_pace_and_what_was_spent_in_the_hour_survive_a_restart()
    {
        var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, new Pace(300, 0));
        await rig.DoAsync(Window(1, viewers: 60).Decide);
        Assert.Equal(300, await rig.BalanceAsync("host"));
        rig = await rig.RestartAsync();
        await using var _ = rig;
        await rig.DoAsync(Window(2, viewers: 60).Decide);
        Assert.Equal(300, await rig.BalanceAsync("host"));
        rig.Clock.Advance(TimeSpan.FromHours(1));
        await rig.DoAsync(Window(3, viewers: 60).Decide);
        Assert.Equal(600, await rig.BalanceAsync("host"));
        Assert.Equal(2, await rig.SqlAsync("SELECT count(*) FROM deliveries WHERE spent = 300"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_sponsorship_without_a_pace_gets_that_of_the_operator()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { SponsorshipCampaignMinutes = 10, MaxSponsorshipsPerStream = 1 });
        await FundAsync(rig, default);
        Assert.Equal(600_000, await rig.SqlAsync("SELECT campaign_ms FROM sponsorships"));
        await rig.FundAsync("other", 10);
        Assert.Equal(LedgerErrors.TooManySponsorships, (await rig.DoAsync(new FundSponsorship("other", "", LedgerRig.Id(78), "s", 10, 1).Decide)).Refusal);
    }

    [Fact]
    public async Task A_sponsor_ends_lists_and_reports_its_own_and_nobody_elses()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("acme", 5_000);
        await host.FundAsync("eve", 5_000);
        for (var i = 1; i <= 3; i++)
        {
            await host.Ledger.CreateSponsorshipAsync(
                new() { SponsorshipId = LedgerRig.Id(i).ToString(), StreamId = Stream, BudgetMicrocredits = 1_000, RateMicrocreditsPerViewerMinute = 60, MaxMicrocreditsPerHour = 500, CampaignMinutes = 0 },
                LedgerHost.As("acme"));
        }

        await host.PublishAsync(new Contracts.Events.RelayWorkVerified(Stream, "host", 5, 10_000, 10, [new("r1", 12_500)]));
        await host.Heard.NextAsync<Contracts.Events.CreditsEarned>(earned => earned is { AccountId: "r1", Code: "sponsorship" });
        var report = await host.Ledger.GetDeliveryReportAsync(new() { SponsorshipId = LedgerRig.Id(1).ToString() }, LedgerHost.As("acme"));
        Assert.Equal((100_000, 100, 30), (report.Total.ViewerMs, report.Total.SpentMicrocredits, report.Total.ToRelaysMicrocredits));
        Assert.Equal((100_000, 100), (Assert.Single(report.Hours).ViewerMs, report.Hours[0].SpentMicrocredits));

        var first = await host.Ledger.ListSponsorshipsAsync(new() { PageSize = 2 }, LedgerHost.As("acme"));
        var second = await host.Ledger.ListSponsorshipsAsync(new() { PageSize = 2, PageToken = first.NextPageToken }, LedgerHost.As("acme"));
        Assert.Equal([3, 2, 1], first.Sponsorships.Concat(second.Sponsorships).Select(found => Enumerable.Range(1, 3).Single(i => LedgerRig.Id(i).ToString() == found.SponsorshipId)));
        Assert.Empty(second.NextPageToken);
        Assert.Empty((await host.Ledger.ListSponsorshipsAsync(new(), LedgerHost.As("eve"))).Sponsorships);

        var mine = LedgerRig.Id(1).ToString();
        await host.Refused("unknown_sponsorship", () => host.Ledger.EndSponsorshipAsync(new() { SponsorshipId = mine }, LedgerHost.As("eve")));
        await host.Refused("unknown_sponsorship", () => host.Ledger.GetDeliveryReportAsync(new() { SponsorshipId = mine }, LedgerHost.As("eve")));
        await host.Refused("unknown_sponsorship", () => host.Ledger.EndSponsorshipAsync(new() { SponsorshipId = "x" }, LedgerHost.As("acme")));
        await host.Refused("invalid_page_token", () => host.Ledger.ListSponsorshipsAsync(new() { PageToken = first.NextPageToken }, LedgerHost.As("eve")));
        await host.Refused("invalid_pace", () => host.Ledger.CreateSponsorshipAsync(
            new() { SponsorshipId = LedgerRig.Id(9).ToString(), StreamId = Stream, BudgetMicrocredits = 1, RateMicrocreditsPerViewerMinute = 1, CampaignMinutes = 525_601 }, LedgerHost.As("acme")));

        var ended = await host.Ledger.EndSponsorshipAsync(new() { SponsorshipId = mine }, LedgerHost.As("acme"));
        Assert.Equal((Rpc.SponsorshipState.Ended, 100), (ended.Sponsorship.State, ended.Sponsorship.SpentMicrocredits));
        Assert.Equal(ended, await host.Ledger.EndSponsorshipAsync(new() { SponsorshipId = mine }, LedgerHost.As("acme")));
        Assert.Equal(2_900, await host.BalanceAsync("acme"));
    }

    [Fact]
    public async Task A_sponsor_adds_to_a_budget_that_runs_once_however_often_it_asks()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("acme", 5_000);
        await host.FundAsync("eve", 5_000);
        var mine = LedgerRig.Id(1).ToString();
        await host.Ledger.CreateSponsorshipAsync(
            new() { SponsorshipId = mine, StreamId = Stream, BudgetMicrocredits = 1_000, RateMicrocreditsPerViewerMinute = 60, MaxMicrocreditsPerHour = 5_000 }, LedgerHost.As("acme"));

        using var http = host.Http;
        http.DefaultRequestHeaders.Authorization = new("Bearer", LedgerHost.Token("acme"));
        using var response = await http.PostAsJsonAsync(
            $"/api/sponsorships/{mine}/top-up", new { transferId = LedgerRig.Id(2).ToString(), amountMicrocredits = "500" }, TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        var again = await host.Ledger.TopUpSponsorshipAsync(TopUp(500), LedgerHost.As("acme"));
        Assert.Equal((1_500, 3_500), (again.Sponsorship.BudgetMicrocredits, again.BalanceMicrocredits));
        Assert.Equal(3_500, await host.BalanceAsync("acme"));

        await host.Refused("exists_with_different_amount", () => host.Ledger.TopUpSponsorshipAsync(TopUp(501), LedgerHost.As("acme")));
        await host.Refused("unknown_sponsorship", () => host.Ledger.TopUpSponsorshipAsync(TopUp(500, 3), LedgerHost.As("eve")));
        await host.Refused("unknown_sponsorship", () => host.Ledger.TopUpSponsorshipAsync(new(TopUp(500, 3)) { SponsorshipId = "x" }, LedgerHost.As("acme")));
        await host.Refused("insufficient_credits", () => host.Ledger.TopUpSponsorshipAsync(TopUp(3_501, 3), LedgerHost.As("acme")));
        await host.Refused("invalid_amount", () => host.Ledger.TopUpSponsorshipAsync(TopUp(0, 3), LedgerHost.As("acme")));
        await host.Refused("invalid_amount", () => host.Ledger.TopUpSponsorshipAsync(TopUp(Amounts.Max, 3), LedgerHost.As("acme")));

        // What was added is spent like the rest, and comes back like the rest.
        await host.PublishAsync(new Contracts.Events.RelayWorkVerified(Stream, "host", 5, 10_000, 120, [new("r1", 12_500)]));
        await host.Heard.NextAsync<Contracts.Events.CreditsEarned>(earned => earned is { AccountId: "r1", Code: "sponsorship" });
        var ended = await host.Ledger.EndSponsorshipAsync(new() { SponsorshipId = mine }, LedgerHost.As("acme"));
        Assert.Equal((1_500, 1_200), (ended.Sponsorship.BudgetMicrocredits, ended.Sponsorship.SpentMicrocredits));
        Assert.Equal(3_800, await host.BalanceAsync("acme"));
        await host.Refused("sponsorship_over", () => host.Ledger.TopUpSponsorshipAsync(TopUp(500, 3), LedgerHost.As("acme")));
        await host.Refused("unknown_sponsorship", () => host.Ledger.TopUpSponsorshipAsync(TopUp(500, 3), LedgerHost.As("eve")));
        Assert.Equal(3_500, (await host.Ledger.TopUpSponsorshipAsync(TopUp(500), LedgerHost.As("acme"))).BalanceMicrocredits);

        Rpc.TopUpSponsorshipRequest TopUp(long amount, int id = 2) => new() { SponsorshipId = mine, TransferId = LedgerRig.Id(id).ToString(), AmountMicrocredits = amount };
    }

    [Fact]
    public async Task A_topped_up_budget_survives_a_restart()
    {
        var rig = await LedgerRig.StartAsync();
        await FundAsync(rig, default);
        await rig.FundAsync("sponsor", 300);
        Assert.Null((await rig.DoAsync(new TopUpSponsorship("sponsor", Id, 300, LedgerRig.Id(78)).Decide)).Refusal);
        rig = await rig.RestartAsync();
        await using var _ = rig;
        Assert.Equal(1_300, (await rig.DoAsync(state => state.ActiveSponsorship(Id)))!.Budget);
        await rig.AssertSoundAsync();
    }

    private static Sponsorship Sponsorship(Pace pace) => new(Id, "s", "sponsor", 1_000, 1_000, SponsorshipState.Active, CreatedAtMs: 1_000, pace);

    private static SettleWindow Window(long window, int viewers) => new("s", "host", window, 10_000, viewers, []);

    private static async Task FundAsync(LedgerRig rig, Pace pace)
    {
        await rig.FundAsync("sponsor", 1_000);
        await rig.StreamAsync("s", "host");
        Assert.Null((await rig.DoAsync(new FundSponsorship("sponsor", "", Id, "s", 1_000, 1_000, pace).Decide)).Refusal);
    }
}
