using Beacon.Contracts.Events;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>Each way to be refused: the documented reason and status, and a ledger that is the same as before.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";
    private const string Ended = "0195a000-0000-7000-8000-000000000002";
    private const string Used = "0195a000-0000-7000-8000-00000000000a";
    private const string Fresh = "0195a000-0000-7000-8000-00000000000b";

    private LedgerHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await LedgerHost.StartAsync();
        _host.Topology.Broadcasters[Stream] = "host";
        foreach (var account in new[] { "ann", "host", "boss", "g1" })
            await _host.FundAsync(account, 1_000);
        await _host.Ledger.TipAsync(Tip(10, Used), LedgerHost.As("ann"));
        await _host.Services.GetRequiredService<LedgerWriter>().ExecuteAsync(
            state =>
            {
                StreamFacts.Ended(state, Ended, "host", state.NowMs);
                return true;
            },
            waitForRoom: true,
            TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1_000_000_000_001)]
    public async Task Amounts_out_of_range(long amount)
    {
        await Refused("invalid_amount", StatusCode.InvalidArgument, () => _host.Ledger.TipAsync(Tip(amount), LedgerHost.As("ann")));
        await Refused("invalid_amount", StatusCode.InvalidArgument, () => _host.Ledger.DepositAsync(Deposit(amount: amount), LedgerHost.As("boss", Scopes.Operator)));
        await Refused("invalid_amount", StatusCode.InvalidArgument, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(budget: amount), LedgerHost.As("ann")));
        await Refused("invalid_amount", StatusCode.InvalidArgument, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(rate: amount), LedgerHost.As("ann")));
    }

    [Fact]
    public async Task The_largest_amount_is_an_amount_and_one_more_is_not()
    {
        await _host.Ledger.DepositAsync(Deposit(amount: 1_000_000_000_000), LedgerHost.As("boss", Scopes.Operator));
        Assert.Equal(1_000_000_000_990, await _host.BalanceAsync("ann"));
        await Refused("invalid_amount", StatusCode.InvalidArgument, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(rate: 1_000_000_001), LedgerHost.As("ann")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tip-1")]
    [InlineData("0195a000000070008000000000000001")]
    [InlineData("{0195a000-0000-7000-8000-000000000001}")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    // Version 8: the ledger derives its own ids so.
    [InlineData("0195a000-0000-8000-8000-000000000001")]
    public async Task Ids_that_are_no_uuid_of_a_caller(string id)
    {
        await Refused("invalid_transfer_id", StatusCode.InvalidArgument, () => _host.Ledger.TipAsync(Tip(10, id), LedgerHost.As("ann")));
        await Refused("invalid_transfer_id", StatusCode.InvalidArgument, () => _host.Ledger.DepositAsync(Deposit(id: id), LedgerHost.As("boss", Scopes.Operator)));
        await Refused("invalid_transfer_id", StatusCode.InvalidArgument, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(id: id), LedgerHost.As("ann")));
    }

    [Fact]
    public async Task More_than_the_wallet_holds()
    {
        await Refused("insufficient_credits", StatusCode.FailedPrecondition, () => _host.Ledger.TipAsync(Tip(991), LedgerHost.As("ann")));
        await Refused("insufficient_credits", StatusCode.FailedPrecondition, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(budget: 991), LedgerHost.As("ann")));
        await _host.Ledger.TipAsync(Tip(990), LedgerHost.As("ann"));
        Assert.Equal(0, await _host.BalanceAsync("ann"));
    }

    [Fact]
    public async Task An_id_that_was_used_for_something_else()
    {
        await Refused("exists_with_different_amount", StatusCode.AlreadyExists, () => _host.Ledger.TipAsync(Tip(11, Used), LedgerHost.As("ann")));
        await Refused("exists_with_different_content", StatusCode.AlreadyExists, () => _host.Ledger.TipAsync(Tip(10, Used), LedgerHost.As("g1")));
        const string Reason = "exists_with_different_code";
        await Refused(Reason, StatusCode.AlreadyExists, () => _host.Ledger.DepositAsync(Deposit(id: Used), LedgerHost.As("boss", Scopes.Operator)));
        await Refused(Reason, StatusCode.AlreadyExists, () => _host.Ledger.CreateSponsorshipAsync(Sponsorship(id: Used), LedgerHost.As("ann")));
        await Refused(Reason, StatusCode.AlreadyExists, () => _host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = Used, AmountMicrocredits = 10 }, LedgerHost.As("ann")));
    }

    [Theory]
    [InlineData("0195a000-0000-7000-8000-0000000000ff")]
    [InlineData(Ended)]
    [InlineData("")]
    [InlineData("a\nb")]
    public async Task Streams_that_are_not_live(string stream)
    {
        await Refused("unknown_stream", StatusCode.NotFound, () => _host.Ledger.TipAsync(new(Tip(10)) { StreamId = stream }, LedgerHost.As("ann")));
        await Refused("unknown_stream", StatusCode.NotFound, () => _host.Ledger.GetSquadAsync(new() { StreamId = stream }, LedgerHost.As("ann")));
        await Refused("unknown_stream", StatusCode.NotFound, () => _host.Ledger.SetSquadAsync(Squad(stream, ("host", 10_000)), LedgerHost.As("host")));
        await Refused("unknown_stream", StatusCode.NotFound, () => _host.Ledger.CreateSponsorshipAsync(new(Sponsorship()) { StreamId = stream }, LedgerHost.As("ann")));
    }

    [Fact]
    public async Task Tips_to_oneself()
    {
        await Refused("self_tip", StatusCode.FailedPrecondition, () => _host.Ledger.TipAsync(Tip(10), LedgerHost.As("host")));
        await _host.Ledger.SetSquadAsync(Squad(Stream, ("host", 9_999), ("g1", 1)), LedgerHost.As("host"));
        // With others in the squad the whole tip is theirs.
        Assert.Equal(("g1", 10), (await _host.Ledger.TipAsync(Tip(10), LedgerHost.As("host"))).Legs.Select(leg => (leg.AccountId, leg.AmountMicrocredits)).Single());
    }

    [Fact]
    public async Task Squads_that_break_a_rule()
    {
        (string, uint)[] seventeen = [.. Enumerable.Range(0, 17).Select(i => ($"m{i}", 1u))];
        await RefusedSquad("squad_too_large", StatusCode.InvalidArgument, seventeen);
        await RefusedSquad("duplicate_member", StatusCode.InvalidArgument, ("host", 5_000), ("host", 5_000));
        await RefusedSquad("shares_must_add_up", StatusCode.InvalidArgument);
        await RefusedSquad("shares_must_add_up", StatusCode.InvalidArgument, ("host", 9_999));
        await RefusedSquad("shares_must_add_up", StatusCode.InvalidArgument, ("host", 10_000), ("g1", 1));
        await RefusedSquad("shares_must_add_up", StatusCode.InvalidArgument, ("host", 10_000), ("g1", 0));
        await RefusedSquad("shares_must_add_up", StatusCode.InvalidArgument, ("host", uint.MaxValue), ("g1", 10_001));
        await RefusedSquad("unknown_account", StatusCode.NotFound, ("host", 5_000), ("nobody", 5_000));
        await RefusedSquad("unknown_account", StatusCode.NotFound, ("ledger:treasury", 10_000));
        await Refused("not_your_stream", StatusCode.PermissionDenied, () => _host.Ledger.SetSquadAsync(Squad(Stream, ("ann", 10_000)), LedgerHost.As("ann")));
    }

    [Fact]
    public async Task Deposits_without_the_right_or_the_account()
    {
        await Refused("operator_only", StatusCode.PermissionDenied, () => _host.Ledger.DepositAsync(Deposit(), LedgerHost.As("ann")));
        await Refused("unknown_account", StatusCode.NotFound, () => _host.Ledger.DepositAsync(Deposit(account: "nobody"), LedgerHost.As("boss", Scopes.Operator)));
        await Refused("unknown_account", StatusCode.NotFound, () => _host.Ledger.DepositAsync(Deposit(account: "ledger:treasury"), LedgerHost.As("boss", Scopes.Operator)));
    }

    [Fact]
    public async Task Accounts_under_names_that_nobody_may_have()
    {
        await Refused("invalid_account_id", StatusCode.InvalidArgument, () => _host.Ledger.GetWalletAsync(new(), LedgerHost.As("ledger:treasury")));
        await Refused("invalid_account_id", StatusCode.InvalidArgument, () => Open("ledger:treasury", ""));
        await Refused("invalid_account_id", StatusCode.InvalidArgument, () => Open("", "Ann"));
        await Refused("invalid_account_id", StatusCode.InvalidArgument, () => Open(new string('a', 201), "Ann"));
        await Refused("invalid_display_name", StatusCode.InvalidArgument, () => Open("ann", new string('a', 101)));
        await Refused("invalid_display_name", StatusCode.InvalidArgument, () => Open("ann", "a\u0001"));
    }

    [Fact]
    public async Task Calls_without_the_token_that_they_need()
    {
        await Refused("missing_token", StatusCode.Unauthenticated, () => _host.Ledger.GetWalletAsync(new()));
        await Refused("invalid_token", StatusCode.Unauthenticated, () => _host.Ledger.TipAsync(Tip(10), new Metadata { { "authorization", "Bearer nonsense" } }));
        await Refused("missing_token", StatusCode.Unauthenticated, () => _host.Ledger.GetSquadAsync(new() { StreamId = Stream }));
        var user = await Assert.ThrowsAsync<RpcException>(async () => await _host.Accounts.OpenAccountAsync(new() { AccountId = "x" }, LedgerHost.As("ann", "operator service")));
        Assert.Equal(StatusCode.Unauthenticated, user.StatusCode);
    }

    [Fact]
    public async Task A_stream_that_is_not_known_while_topology_is_away()
    {
        _host.Topology.Unreachable = true;
        await Refused("service_unavailable", StatusCode.Unavailable, () => _host.Ledger.TipAsync(new(Tip(10)) { StreamId = Fresh }, LedgerHost.As("ann")));
        // A known stream needs nobody.
        await _host.Ledger.TipAsync(Tip(10), LedgerHost.As("ann"));
    }

    [Fact]
    public async Task Work_that_no_sender_may_tell_is_dropped_whole()
    {
        var before = await _host.SnapshotAsync();
        await _host.PublishAsync(new RelayWorkVerified(Stream, "host", 1, 0, 1, [new VerifiedRelay("r1", 1_000)]));
        await _host.PublishAsync(new RelayWorkVerified(Stream, "host", 2, 10_000, -1, [new VerifiedRelay("r1", 1_000)]));
        await _host.PublishAsync(new RelayWorkVerified(Stream, "host", 3, 10_000, 1, [new VerifiedRelay("r1", -1)]));
        await _host.PublishAsync(new RelayWorkVerified(Stream, "host", 4, 10_000, 1, [new VerifiedRelay("ledger:treasury", 1_000)]));
        await _host.PublishAsync(new RelayWorkVerified(Stream, "host", 5, 10_000, 0, [new VerifiedRelay("last", 1_250)]));
        await _host.Heard.NextAsync<CreditsEarned>(earned => earned.AccountId == "last");
        var after = await _host.SnapshotAsync();
        Assert.NotEqual(before, after);
        Assert.DoesNotContain("r1", after, StringComparison.Ordinal);
    }

    private static Rpc.TipRequest Tip(long amount, string id = Fresh) => new() { StreamId = Stream, AmountMicrocredits = amount, TransferId = id };

    private static Rpc.DepositRequest Deposit(string account = "ann", long amount = 10, string id = Fresh) =>
        new() { AccountId = account, AmountMicrocredits = amount, TransferId = id };

    private static Rpc.CreateSponsorshipRequest Sponsorship(long budget = 10, long rate = 10, string id = Fresh) =>
        new() { SponsorshipId = id, StreamId = Stream, BudgetMicrocredits = budget, RateMicrocreditsPerViewerMinute = rate };

    private static Rpc.SetSquadRequest Squad(string stream, params (string Account, uint Bps)[] members) =>
        new() { StreamId = stream, Members = { members.Select(member => new Rpc.SquadMember { AccountId = member.Account, ShareBps = member.Bps }) } };

    private AsyncUnaryCall<Rpc.OpenAccountResponse> Open(string account, string name) =>
        _host.Accounts.OpenAccountAsync(new() { AccountId = account, DisplayName = name }, _host.AsService());

    private Task RefusedSquad(string reason, StatusCode status, params (string, uint)[] members) =>
        Refused(reason, status, () => _host.Ledger.SetSquadAsync(Squad(Stream, members), LedgerHost.As("host")));

    private async Task Refused<T>(string reason, StatusCode status, Func<AsyncUnaryCall<T>> call)
    {
        var before = await _host.SnapshotAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call());
        Assert.Equal((reason, status), (Fault.ReasonOf(refused), refused.StatusCode));
        Assert.Equal(before, await _host.SnapshotAsync());
    }
}
