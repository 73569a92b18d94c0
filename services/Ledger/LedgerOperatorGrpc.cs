using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>The calls of operators. Each looks at the scope before anything else.</summary>
[Authorize]
internal sealed class LedgerOperatorGrpc(LedgerWriter writer, OperatorReports reports, Withdrawals withdrawals) : Rpc.LedgerOperatorService.LedgerOperatorServiceBase
{
    public override Task<Rpc.GetTotalsResponse> GetTotals(Rpc.GetTotalsRequest request, ServerCallContext context)
    {
        OperatorOf(context);
        return reports.TotalsAsync(context.CancellationToken);
    }

    public override async Task<Rpc.GetAccountResponse> GetAccount(Rpc.GetAccountRequest request, ServerCallContext context)
    {
        OperatorOf(context);
        var (number, account) = (await writer.ExecuteAsync<Decided<(int Number, Rpc.GetAccountResponse Account)>>(
            state => state.Find(request.AccountId) is { } found ? (found.Number, Map(found, state.Standing(found.Id))) : LedgerErrors.UnknownAccount,
            waitForRoom: false,
            context.CancellationToken)).OrThrow();
        account.Freezes.AddRange(await reports.FreezesAsync(number, context.CancellationToken));
        return account;
    }

    public override async Task<Rpc.FreezeAccountResponse> FreezeAccount(Rpc.FreezeAccountRequest request, ServerCallContext context) =>
        new() { Frozen = await FreezeAsync(request.AccountId, frozen: true, request.Note, context) };

    public override async Task<Rpc.UnfreezeAccountResponse> UnfreezeAccount(Rpc.UnfreezeAccountRequest request, ServerCallContext context) =>
        new() { Frozen = await FreezeAsync(request.AccountId, frozen: false, request.Note, context) };

    public override Task<Rpc.ListAllWithdrawalsResponse> ListAllWithdrawals(Rpc.ListAllWithdrawalsRequest request, ServerCallContext context)
    {
        OperatorOf(context);
        var state = request.State == Rpc.WithdrawalState.Unspecified ? PendingState.Pending : (PendingState)request.State;
        return withdrawals.PageAllAsync(state, request.PageSize, request.PageToken, context.CancellationToken);
    }

    public override async Task<Rpc.PostWithdrawalResponse> PostWithdrawal(Rpc.PostWithdrawalRequest request, ServerCallContext context) =>
        new() { Withdrawal = await ResolveAsync(request.WithdrawalId, request.TransferId, paidOut: true, context) };

    public override async Task<Rpc.VoidWithdrawalResponse> VoidWithdrawal(Rpc.VoidWithdrawalRequest request, ServerCallContext context) =>
        new() { Withdrawal = await ResolveAsync(request.WithdrawalId, request.TransferId, paidOut: false, context) };

    public override Task<Rpc.ListRefusedWorkResponse> ListRefusedWork(Rpc.ListRefusedWorkRequest request, ServerCallContext context)
    {
        OperatorOf(context);
        return reports.RefusedAsync(request, context.CancellationToken);
    }

    private static Caller OperatorOf(ServerCallContext context) => RequestChecks.Operator(RequestChecks.Wallet(Caller.Of(context)));

    private async Task<bool> FreezeAsync(string accountId, bool frozen, string note, ServerCallContext context)
    {
        var set = new SetFreeze(OperatorOf(context).AccountId, accountId, frozen, RequestChecks.Note(note));
        return (await writer.ExecuteAsync(set.Decide, waitForRoom: false, context.CancellationToken)).OrThrow().IsFrozen;
    }

    private async Task<Rpc.Withdrawal> ResolveAsync(string withdrawalId, string transferId, bool paidOut, ServerCallContext context)
    {
        var caller = OperatorOf(context);
        var id = RequestChecks.TransferId(transferId);
        if (!Guid.TryParseExact(withdrawalId, "D", out var withdrawal))
            throw LedgerErrors.UnknownWithdrawal.Exception();
        var resolve = new ResolveWithdrawal(caller.AccountId, withdrawal, id, paidOut);
        return Withdrawals.Map((await writer.ExecuteAsync(resolve.Decide, waitForRoom: false, context.CancellationToken)).OrThrow());
    }

    private static Rpc.GetAccountResponse Map(Account account, RelayStanding standing) => new()
    {
        AccountId = account.Id,
        Kind = (Rpc.AccountKind)account.Kind,
        DisplayName = account.DisplayName,
        BalanceMicrocredits = account.Balance,
        AvailableMicrocredits = account.Available,
        EarnedByRelayingMicrocredits = account.RelayEarnings,
        WithheldMicrocredits = standing.Withheld,
        GoodWindows = (uint)standing.GoodWindows,
        Frozen = account.IsFrozen,
    };
}
