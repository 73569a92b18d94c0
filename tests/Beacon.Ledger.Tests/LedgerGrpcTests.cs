using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Beacon.Contracts.Events;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

public sealed class LedgerGrpcTests
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";
    private const string TipId = "0195a000-0000-7000-8000-00000000000a";

    [Fact]
    public async Task A_wallet_opens_at_first_sight_and_is_empty()
    {
        await using var host = await LedgerHost.StartAsync();
        var wallet = await host.Ledger.GetWalletAsync(new(), LedgerHost.As("ann"));
        Assert.Equal(new Rpc.GetWalletResponse { AccountId = "ann" }, wallet);
        Assert.Empty((await host.Ledger.ListTransfersAsync(new(), LedgerHost.As("stranger"))).Transfers);
    }

    [Fact]
    public async Task Opening_an_account_again_keeps_its_credits()
    {
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 500);
        var again = await host.Accounts.OpenAccountAsync(new Rpc.OpenAccountRequest { AccountId = "ann", DisplayName = "Ann" }, host.AsService());
        Assert.Equal(500, again.BalanceMicrocredits);
    }

    [Fact]
    public async Task A_tip_to_a_squad_of_three_arrives_exactly_and_only_once()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        foreach (var account in new[] { "ann", "host", "g1", "g2" })
            await host.FundAsync(account, 1_000);
        var squad = await host.Ledger.SetSquadAsync(
            new() { StreamId = Stream, Members = { Member("host", 3_334), Member("g1", 3_333), Member("g2", 3_333) } }, LedgerHost.As("host"));
        Assert.Equal(1ul, squad.Version);

        var request = new Rpc.TipRequest { StreamId = Stream, AmountMicrocredits = 100, TransferId = TipId };
        var tip = await host.Ledger.TipAsync(request, LedgerHost.As("ann"));
        Assert.Equal((TipId, 900), (tip.TransferId, tip.BalanceMicrocredits));
        Assert.Equal([("host", 34L), ("g1", 33), ("g2", 33)], tip.Legs.Select(leg => (leg.AccountId, leg.AmountMicrocredits)));
        Assert.Equal(tip, await host.Ledger.TipAsync(request, LedgerHost.As("ann")));
        Assert.Equal((900, 1_034, 1_033, 1_033), (await host.BalanceAsync("ann"), await host.BalanceAsync("host"), await host.BalanceAsync("g1"), await host.BalanceAsync("g2")));
        // Asked of Topology once; from then on the ledger knows whose stream it is.
        Assert.Equal(1, host.Topology.Calls);
        Assert.Equal(squad.Members, (await host.Ledger.GetSquadAsync(new() { StreamId = Stream }, LedgerHost.As("ann"))).Members);
    }

    [Fact]
    public async Task A_squad_is_the_broadcaster_alone_until_one_is_set()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        var squad = await host.Ledger.GetSquadAsync(new() { StreamId = Stream }, LedgerHost.As("ann"));
        Assert.Equal((0ul, Member("host", 10_000)), (squad.Version, Assert.Single(squad.Members)));
    }

    [Fact]
    public async Task A_statement_pages_from_new_to_old()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        for (var i = 1; i <= 4; i++)
            await host.Ledger.TipAsync(new() { StreamId = Stream, AmountMicrocredits = i, TransferId = Guid.NewGuid().ToString() }, LedgerHost.As("ann"));

        var first = await host.Ledger.ListTransfersAsync(new() { PageSize = 3 }, LedgerHost.As("ann"));
        Assert.Equal([4L, 3, 2], first.Transfers.Select(transfer => transfer.AmountMicrocredits));
        Assert.Equal(("ann", "host", Stream, Rpc.TransferCode.Tip), (first.Transfers[0].DebitAccountId, first.Transfers[0].CreditAccountId, first.Transfers[0].Reference, first.Transfers[0].Code));
        var second = await host.Ledger.ListTransfersAsync(new() { PageSize = 3, PageToken = first.NextPageToken }, LedgerHost.As("ann"));
        Assert.Equal([(1L, Rpc.TransferCode.Tip), (1_000, Rpc.TransferCode.Deposit)], second.Transfers.Select(transfer => (transfer.AmountMicrocredits, transfer.Code)));
        Assert.Empty(second.NextPageToken);

        await Refused(host, "invalid_page_token", StatusCode.InvalidArgument, () => host.Ledger.ListTransfersAsync(new() { PageToken = first.NextPageToken }, LedgerHost.As("host")));
        await Refused(host, "invalid_page_token", StatusCode.InvalidArgument, () => host.Ledger.ListTransfersAsync(new() { PageToken = "nonsense!" }, LedgerHost.As("ann")));
        await Refused(host, "invalid_page_size", StatusCode.InvalidArgument, () => host.Ledger.ListTransfersAsync(new() { PageSize = 201 }, LedgerHost.As("ann")));
        Assert.Equal(5, (await host.Ledger.ListTransfersAsync(new() { PageSize = 200 }, LedgerHost.As("ann"))).Transfers.Count);
    }

    [Fact]
    public async Task A_sponsorship_is_funded_spent_and_shown_to_its_sponsor_alone()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("acme", 5_000);
        var request = new Rpc.CreateSponsorshipRequest { SponsorshipId = TipId, StreamId = Stream, BudgetMicrocredits = 2_000, RateMicrocreditsPerViewerMinute = 600 };
        var made = await host.Ledger.CreateSponsorshipAsync(request, LedgerHost.As("acme"));
        Assert.Equal((3_000, 0, Rpc.SponsorshipState.Active), (made.BalanceMicrocredits, made.Sponsorship.SpentMicrocredits, made.Sponsorship.State));
        Assert.Equal(made, await host.Ledger.CreateSponsorshipAsync(request, LedgerHost.As("acme")));

        var work = new RelayWorkVerified(Stream, "host", 5, 10_000, 10, [new VerifiedRelay("r1", 12_500)]);
        await host.PublishAsync(work);
        await host.PublishAsync(work);
        var relay = await host.Heard.NextAsync<CreditsEarned>(earned => earned is { AccountId: "r1", Code: "relay" });
        Assert.Equal((100, 100, Stream), (relay.AmountMicrocredits, relay.BalanceMicrocredits, relay.Reference));
        var sponsored = await host.Heard.NextAsync<CreditsEarned>(earned => earned is { AccountId: "r1", Code: "sponsorship" });
        Assert.Equal((300, 400, TipId), (sponsored.AmountMicrocredits, sponsored.BalanceMicrocredits, sponsored.Reference));
        Assert.True(sponsored.Sequence > relay.Sequence);

        var shown = (await host.Ledger.GetSponsorshipAsync(new() { SponsorshipId = TipId }, LedgerHost.As("acme"))).Sponsorship;
        Assert.Equal((1_000, 2_000), (shown.SpentMicrocredits, shown.BudgetMicrocredits));
        Assert.Equal((700, 400), (await host.BalanceAsync("host"), await host.BalanceAsync("r1")));
        Assert.Equal(100, (await host.Ledger.GetWalletAsync(new(), LedgerHost.As("r1"))).EarnedByRelayingMicrocredits);
        await Refused(host, "unknown_sponsorship", StatusCode.NotFound, () => host.Ledger.GetSponsorshipAsync(new() { SponsorshipId = TipId }, LedgerHost.As("host")));
        await Refused(host, "unknown_sponsorship", StatusCode.NotFound, () => host.Ledger.GetSponsorshipAsync(new() { SponsorshipId = "x" }, LedgerHost.As("acme")));

        await host.PublishAsync(new StreamEnded(Stream, "host", "host", "ended", []));
        var refund = await host.Heard.NextAsync<CreditsEarned>(earned => earned.Code == "refund");
        Assert.Equal(("acme", 1_000, 4_000), (refund.AccountId, refund.AmountMicrocredits, refund.BalanceMicrocredits));
        Assert.Equal(Rpc.SponsorshipState.Ended, (await host.Ledger.GetSponsorshipAsync(new() { SponsorshipId = TipId }, LedgerHost.As("acme"))).Sponsorship.State);
    }

    [Fact]
    public async Task A_tip_is_told_to_the_bus_with_both_sides_in_order()
    {
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 1_000);
        await host.PublishAsync(new StreamStarted(Stream, "host", "Title", "host", 2_500, new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero)));
        host.Topology.Broadcasters[Stream] = "host";
        await host.Ledger.TipAsync(new() { StreamId = Stream, AmountMicrocredits = 10, TransferId = TipId }, LedgerHost.As("ann"));
        var tip = await host.Heard.NextAsync<TipPosted>(_ => true);
        Assert.Equal((TipId, Stream, "ann", "Name of ann", 10, "host"), (tip.TransferId, tip.StreamId, tip.FromAccountId, tip.FromName, tip.AmountMicrocredits, Assert.Single(tip.RecipientAccountIds)));
    }

    [Fact]
    public async Task A_restart_keeps_wallets_ids_and_streams_without_asking_anybody()
    {
        var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        var request = new Rpc.TipRequest { StreamId = Stream, AmountMicrocredits = 10, TransferId = TipId };
        var first = await host.Ledger.TipAsync(request, LedgerHost.As("ann"));
        await host.StopAsync();

        await using var restarted = await LedgerHost.StartAsync(host.Directory);
        Assert.Equal(first, await restarted.Ledger.TipAsync(request, LedgerHost.As("ann")));
        await restarted.Ledger.TipAsync(new(request) { TransferId = Guid.NewGuid().ToString() }, LedgerHost.As("ann"));
        Assert.Equal((980, 20, 0), (await restarted.BalanceAsync("ann"), await restarted.BalanceAsync("host"), restarted.Topology.Calls));
    }

    [Fact]
    public async Task Rest_says_the_same_as_grpc()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        var http = host.Http;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", LedgerHost.Token("ann"));
        var tip = await http.PostAsJsonAsync("/api/tip", new { streamId = Stream, amountMicrocredits = 10, transferId = TipId }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, tip.StatusCode);
        var wallet = await http.GetFromJsonAsync<JsonElement>("/api/wallet", TestContext.Current.CancellationToken);
        Assert.Equal("990", wallet.GetProperty("balanceMicrocredits").ToString());
        var refused = await http.PostAsJsonAsync("/api/tip", new { streamId = Stream, amountMicrocredits = 11, transferId = TipId }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("exists_with_different_amount", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal("Healthy", await http.GetStringAsync("/health", TestContext.Current.CancellationToken));
    }

    private static Rpc.SquadMember Member(string account, uint bps) => new() { AccountId = account, ShareBps = bps };

    private static async Task Refused<T>(LedgerHost host, string reason, StatusCode status, Func<AsyncUnaryCall<T>> call)
    {
        var before = await host.SnapshotAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call());
        Assert.Equal((reason, status), (Fault.ReasonOf(refused), refused.StatusCode));
        Assert.Equal(before, await host.SnapshotAsync());
    }
}
