using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>Balances at a moment, statements, receipts, tips, totals; and who may see them.</summary>
public sealed class StatementTests
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";

    [Fact]
    public async Task A_balance_at_a_moment_is_that_after_the_last_transfer_until_then()
    {
        await using var rig = await LedgerRig.StartAsync();
        var statements = new Statements(rig.Databases);
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "bob");
        var start = rig.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 1; i <= 20; i++)
        {
            rig.Clock.Advance(TimeSpan.FromSeconds(1));
            await rig.TipAsync("ann", "s", 1, i);
        }

        var token = TestContext.Current.CancellationToken;
        foreach (var (unixMs, balance) in new[] { (start - 1, 0L), (start, 100), (start + 999, 100), (start + 1_000, 99), (start + 7_500, 93), (start + 20_000, 80), (start + 1_000_000, 80) })
            Assert.Equal(balance, (await statements.BalanceAsync("ann", new Moment(unixMs, 0), token)).BalanceMicrocredits);
        foreach (var (transfer, balance) in new[] { (1L, 100L), (2, 99), (11, 90), (21, 80), (999, 80) })
            Assert.Equal(balance, (await statements.BalanceAsync("ann", new Moment(0, transfer), token)).BalanceMicrocredits);
        Assert.Equal((80, 21), await statements.BalanceAsync("ann", default, token) is var now ? (now.BalanceMicrocredits, now.AtTransfer) : default);
        Assert.Equal(7, (await statements.BalanceAsync("bob", new Moment(start + 7_500, 0), token)).BalanceMicrocredits);
    }

    [Fact]
    public async Task A_statement_goes_from_the_opening_to_the_closing_balance()
    {
        await using var rig = await LedgerRig.StartAsync();
        var statements = new Statements(rig.Databases);
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "bob");
        await rig.StreamAsync("a", "ann");
        await rig.FundAsync("bob", 50);
        for (var i = 1; i <= 6; i++)
            await rig.TipAsync(i % 2 == 0 ? "bob" : "ann", i % 2 == 0 ? "a" : "s", i, i);

        var token = TestContext.Current.CancellationToken;
        var changes = new List<long>();
        var page = await statements.StatementAsync("ann", new Moment(0, 2), new Moment(0, 7), 2, "", token);
        while (true)
        {
            Assert.Equal((100, 97, 7), (page.OpeningBalanceMicrocredits, page.ClosingBalanceMicrocredits, page.ToTransfer));
            changes.AddRange(page.Entries.Select(entry => entry.ChangeMicrocredits));
            Assert.Equal(100 + changes.Sum(), page.Entries[^1].BalanceMicrocredits);
            if (page.NextPageToken.Length == 0)
                break;
            // What is booked meanwhile is beyond the range.
            await rig.TipAsync("ann", "s", 1, 100 + changes.Count);
            page = await statements.StatementAsync("ann", new Moment(0, 2), new Moment(0, 7), 2, page.NextPageToken, token);
        }

        Assert.Equal([-1, 2, -3, 4, -5], changes);
    }

    [Fact]
    public async Task Only_the_account_itself_and_operators_see_its_books()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        await host.FundAsync("eve", 1_000);
        var tip = LedgerRig.Id(1).ToString();
        await host.Ledger.TipAsync(new() { StreamId = Stream, AmountMicrocredits = 10, TransferId = tip }, LedgerHost.As("ann"));

        Assert.Equal(990, (await host.Ledger.GetBalanceAsync(new(), LedgerHost.As("ann"))).BalanceMicrocredits);
        Assert.Equal(990, (await host.Ledger.GetBalanceAsync(new() { AccountId = "ann" }, LedgerHost.As("ann"))).BalanceMicrocredits);
        Assert.Equal(990, (await host.Ledger.GetBalanceAsync(new() { AccountId = "ann" }, Boss)).BalanceMicrocredits);
        Assert.Equal(-2_000, (await host.Ledger.GetBalanceAsync(new() { AccountId = "ledger:treasury" }, Boss)).BalanceMicrocredits);
        Assert.Equal(2, (await host.Ledger.GetStatementAsync(new() { AccountId = "ann" }, Boss)).Entries.Count);
        var eve = LedgerHost.As("eve");
        await host.Refused("not_your_account", () => host.Ledger.GetBalanceAsync(new() { AccountId = "ann" }, eve));
        await host.Refused("not_your_account", () => host.Ledger.GetStatementAsync(new() { AccountId = "ann" }, eve));
        await host.Refused("not_your_account", () => host.Ledger.GetBalanceAsync(new() { AccountId = "nobody" }, eve));
        await host.Refused("unknown_account", () => host.Ledger.GetBalanceAsync(new() { AccountId = "nobody" }, Boss));
        await host.Refused("unknown_transfer", () => host.Ledger.GetTransferAsync(new() { TransferId = tip }, eve));
        await host.Refused("unknown_transfer", () => host.Ledger.GetTransferAsync(new() { TransferId = "x" }, LedgerHost.As("ann")));
        await host.Refused("invalid_moment", () => host.Ledger.GetBalanceAsync(new() { AtUnixMs = 1, AtTransfer = 1 }, eve));
        await host.Refused("invalid_moment", () => host.Ledger.GetBalanceAsync(new() { AtTransfer = -1 }, eve));
        await host.Refused("invalid_moment", () => host.Ledger.GetStatementAsync(new() { FromTransfer = 3, ToTransfer = 1 }, eve));
        await host.Refused("invalid_page_size", () => host.Ledger.GetStatementAsync(new() { PageSize = 201 }, eve));
        await host.Refused("invalid_page_token", () => host.Ledger.GetStatementAsync(new() { PageToken = "nonsense!" }, eve));
    }

    [Fact]
    public async Task A_receipt_shows_the_giver_all_and_a_receiver_its_own()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        foreach (var account in new[] { "ann", "host", "guest" })
            await host.FundAsync(account, 1_000);
        var squad = await host.Ledger.SetSquadAsync(
            new() { StreamId = Stream, Members = { new Rpc.SquadMember { AccountId = "host", ShareBps = 5_000 }, new Rpc.SquadMember { AccountId = "guest", ShareBps = 5_000 } } }, LedgerHost.As("host"));
        var id = LedgerRig.Id(1).ToString();
        var request = new Rpc.TipRequest { StreamId = Stream, AmountMicrocredits = 100, TransferId = id, SquadVersion = squad.Version };
        Assert.Equal(1ul, (await host.Ledger.TipAsync(request, LedgerHost.As("ann"))).SquadVersion);

        var given = await host.Ledger.GetTransferAsync(new() { TransferId = id }, LedgerHost.As("ann"));
        Assert.Equal((Rpc.TransferCode.Tip, "ann", Stream, 1ul), (given.Code, given.ActorAccountId, given.Reference, given.SquadVersion));
        Assert.Equal([("host", 50L), ("guest", 50)], given.Transfers.Select(leg => (leg.CreditAccountId, leg.AmountMicrocredits)));
        var got = await host.Ledger.GetTransferAsync(new() { TransferId = id }, LedgerHost.As("guest"));
        Assert.Equal(("guest", 50), (Assert.Single(got.Transfers).CreditAccountId, got.Transfers[0].AmountMicrocredits));
        Assert.Equal(2, (await host.Ledger.GetTransferAsync(new() { TransferId = id }, Boss)).Transfers.Count);
        // The history leads to the receipt.
        Assert.Equal(id, (await host.Ledger.ListTransfersAsync(new(), LedgerHost.As("guest"))).Transfers[0].RequestId);

        await host.Ledger.SetSquadAsync(new() { StreamId = Stream, Members = { new Rpc.SquadMember { AccountId = "host", ShareBps = 10_000 } } }, LedgerHost.As("host"));
        await host.Refused("squad_changed", () => host.Ledger.TipAsync(new(request) { TransferId = LedgerRig.Id(2).ToString() }, LedgerHost.As("ann")));
        // The same tip again is the same tip, whoever shares now.
        Assert.Equal((2, 1ul), await host.Ledger.TipAsync(request, LedgerHost.As("ann")) is var again ? (again.Legs.Count, again.SquadVersion) : default);
    }

    [Fact]
    public async Task Tips_are_listed_whole_for_the_giver_and_by_part_for_the_receiver()
    {
        await using var rig = await LedgerRig.StartAsync();
        var statements = new Statements(rig.Databases);
        await rig.FundAsync("ann", 10_000);
        await rig.StreamAsync("s", "host");
        await rig.OpenAsync("guest");
        await rig.DoAsync(new SetSquad("host", "s", [new("host", 7_000), new("guest", 3_000)]).Decide);
        for (var i = 1; i <= 5; i++)
            await rig.TipAsync("ann", "s", 10 * i, i);
        // More than one page looks through, between the tips.
        for (var window = 1; window <= 1_200; window++)
            await rig.DoAsync(new SettleWindow("s", "host", window, 10_000, 1, [new RelayWork("guest", 1_250)]).Decide);
        await rig.TipAsync("ann", "s", 100, 6);

        var token = TestContext.Current.CancellationToken;
        Assert.Equal([(100, true), (50, true), (40, true)], (await statements.TipsAsync("ann", 3, "", token)).Tips.Select(tip => (tip.AmountMicrocredits, tip.Given)));
        var all = new List<long>();
        var page = "";
        var pages = 0;
        do
        {
            var tips = await statements.TipsAsync("guest", 4, page, token);
            all.AddRange(tips.Tips.Select(tip => tip.AmountMicrocredits));
            Assert.All(tips.Tips, tip => Assert.Equal(("ann", false, "s"), (tip.FromAccountId, tip.Given, tip.StreamId)));
            page = tips.NextPageToken;
            pages++;
        }
        while (page.Length > 0);
        Assert.Equal([30, 15, 12, 9, 6, 3], all);
        Assert.InRange(pages, 3, 4);

        // Page by page, the giver's are all there once.
        var given = new List<string>();
        do
        {
            var tips = await statements.TipsAsync("ann", 2, page, token);
            given.AddRange(tips.Tips.Select(tip => tip.TransferId));
            page = tips.NextPageToken;
        }
        while (page.Length > 0);
        Assert.Equal([6, 5, 4, 3, 2, 1], given.Select(id => Enumerable.Range(1, 6).Single(i => LedgerRig.Id(i).ToString() == id)));
    }

    [Fact]
    public async Task Totals_add_up_to_zero_by_kind_of_account()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        await host.Ledger.CreateSponsorshipAsync(new() { SponsorshipId = LedgerRig.Id(1).ToString(), StreamId = Stream, BudgetMicrocredits = 300, RateMicrocreditsPerViewerMinute = 1 }, LedgerHost.As("ann"));
        await host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = LedgerRig.Id(2).ToString(), AmountMicrocredits = 200 }, LedgerHost.As("ann"));
        var totals = await host.Operators.GetTotalsAsync(new(), Boss);
        Assert.Equal(
            [(Rpc.AccountKind.Wallet, 700L), (Rpc.AccountKind.Escrow, 300), (Rpc.AccountKind.Treasury, -1_000), (Rpc.AccountKind.RelayIssuance, 0)],
            totals.Kinds.Select(kind => (kind.Kind, kind.BalanceMicrocredits)));
        Assert.Equal((0, 200, 2), (totals.SumMicrocredits, totals.HeldMicrocredits, totals.AtTransfer));
    }

    [Fact]
    public async Task Refused_work_is_reported_by_stream_and_account()
    {
        await using var host = await LedgerHost.StartAsync(directory: null, ("Beacon:Ledger:RelayProbationWindows", "2"));
        await host.PublishAsync(new Contracts.Events.RelayWorkVerified(Stream, "host", 1, 10_000, 1, [new("r1", 1_250, 1, 11, 12, 13, 14), new("r2", 2_500, 1)], ConsumedBytes: 3_750));
        await host.PublishAsync(new Contracts.Events.RelayWorkVerified(Stream, "host", 2, 10_000, 1, [new("r2", 2_500, 1)], ConsumedBytes: 2_500));
        await host.Heard.NextAsync<Contracts.Events.CreditsEarned>(earned => earned is { AccountId: "r2", AmountMicrocredits: 40 });
        var all = (await host.Operators.ListRefusedWorkAsync(new() { StreamId = Stream, AccountId = "r1" }, Boss)).Work;
        Assert.Equal(
            [(Rpc.RefusalReason.SameAccount, 11L), (Rpc.RefusalReason.SameAddressBlock, 12), (Rpc.RefusalReason.Unanswered, 13), (Rpc.RefusalReason.OverSlots, 14), (Rpc.RefusalReason.Probation, 1_250)],
            all.Select(work => (work.Reason, work.WorkBytes)).Order());
        Assert.Equal(10, all.Single(work => work.Reason == Rpc.RefusalReason.Probation).WithheldMicrocredits);
        Assert.Empty((await host.Operators.ListRefusedWorkAsync(new() { StreamId = "other" }, Boss)).Work);
        Assert.Equal(10, (await host.Ledger.GetWalletAsync(new(), LedgerHost.As("r1"))).WithheldMicrocredits);
        Assert.Equal(10, (await host.Operators.GetTotalsAsync(new(), Boss)).WithheldMicrocredits);
    }

    private static Metadata Boss => LedgerHost.As("boss", Scopes.Operator);
}
