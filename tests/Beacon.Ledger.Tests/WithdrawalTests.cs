using System.Diagnostics;
using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>Credits on their way out, and wallets that nothing leaves.</summary>
public sealed class WithdrawalTests
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";
    private static readonly string First = LedgerRig.Id(1).ToString();

    [Fact]
    public async Task A_withdrawal_holds_the_credits_until_an_operator_says_that_it_was_paid()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        await host.Ledger.GetSquadAsync(new() { StreamId = Stream }, LedgerHost.As("ann"));
        var request = new Rpc.RequestWithdrawalRequest { WithdrawalId = First, AmountMicrocredits = 700 };
        var asked = await host.Ledger.RequestWithdrawalAsync(request, LedgerHost.As("ann"));
        Assert.Equal((300, Rpc.WithdrawalState.Pending), (asked.AvailableMicrocredits, asked.Withdrawal.State));
        Assert.Equal(asked, await host.Ledger.RequestWithdrawalAsync(request, LedgerHost.As("ann")));
        var wallet = await host.Ledger.GetWalletAsync(new(), LedgerHost.As("ann"));
        Assert.Equal((1_000, 300), (wallet.BalanceMicrocredits, wallet.AvailableMicrocredits));
        await host.Refused("insufficient_credits", () => host.Ledger.TipAsync(new() { StreamId = Stream, AmountMicrocredits = 301, TransferId = LedgerRig.Id(2).ToString() }, LedgerHost.As("ann")));

        var waiting = Assert.Single((await host.Operators.ListAllWithdrawalsAsync(new(), Boss)).Withdrawals);
        Assert.Equal((First, "ann", 700), (waiting.WithdrawalId, waiting.AccountId, waiting.AmountMicrocredits));
        var post = new Rpc.PostWithdrawalRequest { WithdrawalId = First, TransferId = LedgerRig.Id(3).ToString() };
        var paid = await host.Operators.PostWithdrawalAsync(post, Boss);
        Assert.Equal(Rpc.WithdrawalState.Posted, paid.Withdrawal.State);
        Assert.Equal(paid, await host.Operators.PostWithdrawalAsync(post, Boss));
        await host.Refused("pending_already_posted", () => host.Operators.PostWithdrawalAsync(new(post) { TransferId = LedgerRig.Id(4).ToString() }, Boss));
        await host.Refused("pending_already_posted", () => host.Operators.VoidWithdrawalAsync(new() { WithdrawalId = First, TransferId = LedgerRig.Id(5).ToString() }, Boss));
        Assert.Equal(300, await host.BalanceAsync("ann"));
        var told = await host.Heard.NextAsync<CreditsEarned>(earned => earned.Code == "withdrawal");
        Assert.Equal(("ann", -700, 300), (told.AccountId, told.AmountMicrocredits, told.BalanceMicrocredits));
        Assert.Equal(Rpc.WithdrawalState.Posted, (await host.Ledger.GetWithdrawalAsync(new() { WithdrawalId = First }, LedgerHost.As("ann"))).Withdrawal.State);
        var totals = await host.Operators.GetTotalsAsync(new(), Boss);
        Assert.Equal((0, 0), (totals.SumMicrocredits, totals.HeldMicrocredits));
    }

    [Fact]
    public async Task Credits_are_held_in_a_recorded_trace_too_though_nothing_is_transferred_yet()
    {
        using var recorder = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Microsoft.AspNetCore",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(recorder);
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 1_000);

        var asked = await host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = First, AmountMicrocredits = 700 }, LedgerHost.As("ann"));

        Assert.Equal((300, Rpc.WithdrawalState.Pending), (asked.AvailableMicrocredits, asked.Withdrawal.State));
    }

    [Fact]
    public async Task Foreign_withdrawals_and_the_calls_of_operators_are_refused()
    {
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 1_000);
        await host.FundAsync("eve", 1_000);
        await host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = First, AmountMicrocredits = 700 }, LedgerHost.As("ann"));
        var id = LedgerRig.Id(9).ToString();
        await host.Refused("unknown_withdrawal", () => host.Ledger.GetWithdrawalAsync(new() { WithdrawalId = First }, LedgerHost.As("eve")));
        Assert.Empty((await host.Ledger.ListWithdrawalsAsync(new(), LedgerHost.As("eve"))).Withdrawals);
        Assert.Single((await host.Ledger.ListWithdrawalsAsync(new(), LedgerHost.As("ann"))).Withdrawals);
        var ann = LedgerHost.As("ann");
        await host.Refused("operator_only", () => host.Operators.PostWithdrawalAsync(new() { WithdrawalId = First, TransferId = id }, ann));
        await host.Refused("operator_only", () => host.Operators.VoidWithdrawalAsync(new() { WithdrawalId = First, TransferId = id }, ann));
        await host.Refused("operator_only", () => host.Operators.ListAllWithdrawalsAsync(new(), ann));
        await host.Refused("operator_only", () => host.Operators.FreezeAccountAsync(new() { AccountId = "eve" }, ann));
        await host.Refused("operator_only", () => host.Operators.UnfreezeAccountAsync(new() { AccountId = "eve" }, ann));
        await host.Refused("operator_only", () => host.Operators.GetAccountAsync(new() { AccountId = "ann" }, ann));
        await host.Refused("operator_only", () => host.Operators.GetTotalsAsync(new(), ann));
        await host.Refused("operator_only", () => host.Operators.ListRefusedWorkAsync(new(), ann));
        await host.Refused("unknown_withdrawal", () => host.Operators.PostWithdrawalAsync(new() { WithdrawalId = id, TransferId = id }, Boss));
        await host.Refused("unknown_withdrawal", () => host.Operators.PostWithdrawalAsync(new() { WithdrawalId = "x", TransferId = id }, Boss));
        await host.Refused("invalid_transfer_id", () => host.Operators.PostWithdrawalAsync(new() { WithdrawalId = First, TransferId = "x" }, Boss));
        await host.Refused("unknown_account", () => host.Operators.FreezeAccountAsync(new() { AccountId = "nobody" }, Boss));
        await host.Refused("unknown_account", () => host.Operators.FreezeAccountAsync(new() { AccountId = "ledger:treasury" }, Boss));
        await host.Refused("invalid_note", () => host.Operators.FreezeAccountAsync(new() { AccountId = "ann", Note = new string('x', 201) }, Boss));
    }

    [Fact]
    public async Task A_frozen_wallet_pays_nobody_is_not_paid_out_and_still_earns()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "ann";
        await host.FundAsync("ann", 1_000);
        await host.Ledger.GetSquadAsync(new() { StreamId = Stream }, LedgerHost.As("ann"));
        await host.FundAsync("bob", 1_000);
        await host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = First, AmountMicrocredits = 100 }, LedgerHost.As("ann"));
        Assert.True((await host.Operators.FreezeAccountAsync(new() { AccountId = "ann", Note = "stolen" }, Boss)).Frozen);
        Assert.True((await host.Operators.FreezeAccountAsync(new() { AccountId = "ann", Note = "again" }, Boss)).Frozen);
        await host.Refused("account_frozen", () => host.Operators.PostWithdrawalAsync(new() { WithdrawalId = First, TransferId = LedgerRig.Id(3).ToString() }, Boss));
        await host.Refused("account_frozen", () => host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = LedgerRig.Id(4).ToString(), AmountMicrocredits = 1 }, LedgerHost.As("ann")));
        await host.Refused("account_frozen", () => host.Ledger.CreateSponsorshipAsync(
            new() { SponsorshipId = LedgerRig.Id(5).ToString(), StreamId = Stream, BudgetMicrocredits = 10, RateMicrocreditsPerViewerMinute = 1 }, LedgerHost.As("ann")));
        await host.Ledger.TipAsync(new() { StreamId = Stream, AmountMicrocredits = 50, TransferId = LedgerRig.Id(6).ToString() }, LedgerHost.As("bob"));
        var wallet = await host.Ledger.GetWalletAsync(new(), LedgerHost.As("ann"));
        Assert.Equal((1_050, true), (wallet.BalanceMicrocredits, wallet.Frozen));
        var account = await host.Operators.GetAccountAsync(new() { AccountId = "ann" }, Boss);
        // Freezing what is frozen is no second entry.
        Assert.Equal([(true, "boss", "stolen")], account.Freezes.Select(entry => (entry.Frozen, entry.OperatorAccountId, entry.Note)));

        await host.Operators.UnfreezeAccountAsync(new() { AccountId = "ann", Note = "found" }, Boss);
        Assert.Equal(Rpc.WithdrawalState.Posted, (await host.Operators.PostWithdrawalAsync(new() { WithdrawalId = First, TransferId = LedgerRig.Id(3).ToString() }, Boss)).Withdrawal.State);
        Assert.Equal(950, await host.BalanceAsync("ann"));
    }

    [Fact]
    public async Task A_withdrawal_that_nobody_decides_about_is_free_again_when_its_time_is_over()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { WithdrawalTimeoutHours = 2 });
        await rig.FundAsync("ann", 1_000);
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(1)).Decide);
        rig.Clock.Advance(TimeSpan.FromHours(2) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(300, await rig.DoAsync(state => state.Find("ann")!.Available));
        rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1_000, await rig.DoAsync(state => state.Find("ann")!.Available));
        Assert.Equal((int)PendingState.Expired, await rig.SqlAsync("SELECT state FROM pending_transfers"));
        Assert.Equal(LedgerErrors.PendingExpired, (await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(2), PaidOut: true).Decide)).Refusal);
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task Holds_and_freezes_survive_a_restart()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.FundAsync("bob", 1_000);
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(1)).Decide);
        await rig.DoAsync(new SetFreeze("boss", "bob", Frozen: true, "").Decide);
        await rig.DoAsync(new SetFreeze("boss", "ann", Frozen: true, "").Decide);
        await rig.DoAsync(new SetFreeze("boss", "ann", Frozen: false, "").Decide);
        rig = await rig.RestartAsync();
        await using var _ = rig;
        Assert.Equal((300, false, true), await rig.DoAsync(state => (state.Find("ann")!.Available, state.Find("ann")!.IsFrozen, state.Find("bob")!.IsFrozen)));
        Assert.Null((await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(2), PaidOut: false).Decide)).Refusal);
        Assert.Equal(1_000, await rig.DoAsync(state => state.Find("ann")!.Available));
        Assert.Equal(LedgerErrors.PendingAlreadyVoided, (await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(3), PaidOut: true).Decide)).Refusal);
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task As_many_withdrawals_wait_as_may_and_not_one_more()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { MaxWaitingWithdrawals = 2 });
        await rig.FundAsync("ann", 1_000);
        Assert.Null((await rig.DoAsync(new RequestWithdrawal("ann", "", 1, LedgerRig.Id(1)).Decide)).Refusal);
        Assert.Null((await rig.DoAsync(new RequestWithdrawal("ann", "", 1, LedgerRig.Id(2)).Decide)).Refusal);
        Assert.Equal(LedgerErrors.TooManyWithdrawals, (await rig.DoAsync(new RequestWithdrawal("ann", "", 1, LedgerRig.Id(3)).Decide)).Refusal);
        await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(4), PaidOut: true).Decide);
        Assert.Null((await rig.DoAsync(new RequestWithdrawal("ann", "", 1, LedgerRig.Id(3)).Decide)).Refusal);
    }

    [Theory]
    [InlineData("UPDATE pending_transfers SET state = 1")]
    [InlineData("UPDATE pending_transfers SET amount = 1")]
    [InlineData("DELETE FROM pending_transfers")]
    [InlineData("UPDATE freezes SET frozen = 0")]
    [InlineData("DELETE FROM freezes")]
    public async Task The_file_itself_keeps_what_was_decided(string sql)
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(1)).Decide);
        await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(2), PaidOut: false).Decide);
        await rig.DoAsync(new SetFreeze("boss", "ann", Frozen: true, "").Decide);
        await Assert.ThrowsAsync<SqliteException>(() => rig.SqlAsync(sql));
    }

    private static Metadata Boss => LedgerHost.As("boss", Scopes.Operator);
}
