using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>The calls of users: check, decide, map.</summary>
[Authorize]
internal sealed partial class LedgerGrpc(
    LedgerWriter writer, StreamOwners streams, Statements statements, SponsorshipReports sponsorships, Withdrawals withdrawals) : Rpc.LedgerService.LedgerServiceBase
{
    public override async Task<Rpc.GetWalletResponse> GetWallet(Rpc.GetWalletRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        return await writer.ExecuteAsync(
            state =>
            {
                var wallet = state.Wallet(caller.AccountId, caller.Name);
                return new Rpc.GetWalletResponse
                {
                    AccountId = wallet.Id,
                    BalanceMicrocredits = wallet.Balance,
                    EarnedByRelayingMicrocredits = wallet.RelayEarnings,
                    AvailableMicrocredits = wallet.Available,
                    Frozen = wallet.IsFrozen,
                    WithheldMicrocredits = state.Standing(wallet.Id).Withheld,
                };
            },
            waitForRoom: false,
            context.CancellationToken);
    }

    public override Task<Rpc.ListTransfersResponse> ListTransfers(Rpc.ListTransfersRequest request, ServerCallContext context) =>
        statements.PageAsync(CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken);

    public override async Task<Rpc.GetTransferResponse> GetTransfer(Rpc.GetTransferRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        return Guid.TryParseExact(request.TransferId, "D", out var id)
            && await statements.ReceiptAsync(id, caller.AccountId, caller.Has(Scopes.Operator), context.CancellationToken) is { } receipt
                ? receipt
                : throw LedgerErrors.UnknownTransfer.Exception();
    }

    public override Task<Rpc.GetBalanceResponse> GetBalance(Rpc.GetBalanceRequest request, ServerCallContext context) =>
        statements.BalanceAsync(
            OwnAccount(request.AccountId, context), RequestChecks.Moment(request.AtUnixMs, request.AtTransfer), context.CancellationToken);

    public override Task<Rpc.GetStatementResponse> GetStatement(Rpc.GetStatementRequest request, ServerCallContext context) =>
        statements.StatementAsync(
            OwnAccount(request.AccountId, context),
            RequestChecks.Moment(request.FromUnixMs, request.FromTransfer),
            RequestChecks.Moment(request.ToUnixMs, request.ToTransfer),
            request.PageSize,
            request.PageToken,
            context.CancellationToken);

    public override async Task<Rpc.TipResponse> Tip(Rpc.TipRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var tip = new Tip(
            caller.AccountId,
            caller.Name,
            request.StreamId,
            RequestChecks.Amount(request.AmountMicrocredits),
            RequestChecks.TransferId(request.TransferId),
            request.HasSquadVersion ? (long)Math.Min(request.SquadVersion, long.MaxValue) : null);
        var posted = await streams.ExecuteAsync(request.StreamId, tip.Decide, tip.TransferId, context.CancellationToken);
        return new Rpc.TipResponse
        {
            TransferId = tip.TransferId.ToString(),
            Legs = { posted.Transfers.Select(leg => new Rpc.TipLeg { AccountId = leg.Credit.Id, AmountMicrocredits = leg.Amount }) },
            BalanceMicrocredits = posted.Transfers[^1].DebitBalance,
            SquadVersion = (ulong)(posted.Window ?? 0),
        };
    }

    public override Task<Rpc.ListTipsResponse> ListTips(Rpc.ListTipsRequest request, ServerCallContext context) =>
        statements.TipsAsync(CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken);

    public override async Task<Rpc.SetSquadResponse> SetSquad(Rpc.SetSquadRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var set = new SetSquad(caller.AccountId, request.StreamId, RequestChecks.Squad(request.Members.Select(member => (member.AccountId, member.ShareBps))));
        var stream = await streams.ExecuteAsync(request.StreamId, set.Decide, Guid.Empty, context.CancellationToken);
        return new Rpc.SetSquadResponse { StreamId = stream.StreamId, Members = { Members(stream) }, Version = (ulong)stream.SquadVersion };
    }

    public override async Task<Rpc.GetSquadResponse> GetSquad(Rpc.GetSquadRequest request, ServerCallContext context)
    {
        var stream = await streams.ExecuteAsync<StreamRecord>(
            request.StreamId,
            state => state.Stream(request.StreamId) is { IsLive: true } live ? live : CommonErrors.UnknownStream,
            Guid.Empty,
            context.CancellationToken);
        return new Rpc.GetSquadResponse { StreamId = stream.StreamId, Members = { Members(stream) }, Version = (ulong)stream.SquadVersion };
    }

    public override async Task<Rpc.DepositResponse> Deposit(Rpc.DepositRequest request, ServerCallContext context)
    {
        var caller = RequestChecks.Operator(CallerOf(context));
        var deposit = new Deposit(
            caller.AccountId,
            request.AccountId,
            RequestChecks.Amount(request.AmountMicrocredits),
            RequestChecks.TransferId(request.TransferId));
        var posted = (await writer.ExecuteAsync(deposit.Decide, waitForRoom: false, context.CancellationToken)).OrThrow();
        return new Rpc.DepositResponse { TransferId = posted.Id.ToString(), BalanceMicrocredits = posted.Transfers[0].CreditBalance };
    }

    public override async Task<Rpc.RequestWithdrawalResponse> RequestWithdrawal(Rpc.RequestWithdrawalRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var withdrawal = new RequestWithdrawal(
            caller.AccountId, caller.Name, RequestChecks.Amount(request.AmountMicrocredits), RequestChecks.TransferId(request.WithdrawalId));
        var response = await writer.ExecuteAsync<Decided<Rpc.RequestWithdrawalResponse>>(
            state =>
            {
                var decided = withdrawal.Decide(state);
                return decided.Refusal is { } refusal
                    ? refusal
                    : new Rpc.RequestWithdrawalResponse { Withdrawal = Withdrawals.Map(decided.Value!), AvailableMicrocredits = decided.Value!.Debit.Available };
            },
            waitForRoom: false,
            context.CancellationToken);
        return response.OrThrow();
    }

    public override async Task<Rpc.GetWithdrawalResponse> GetWithdrawal(Rpc.GetWithdrawalRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        if (!Guid.TryParseExact(request.WithdrawalId, "D", out var id))
            throw LedgerErrors.UnknownWithdrawal.Exception();
        var found = await writer.ExecuteAsync<Decided<PendingTransfer>>(
            state => state.FindPending(id) is { } pending && pending.Debit.Id == caller.AccountId ? pending : LedgerErrors.UnknownWithdrawal,
            waitForRoom: false,
            context.CancellationToken);
        return new Rpc.GetWithdrawalResponse { Withdrawal = Withdrawals.Map(found.OrThrow()) };
    }

    public override Task<Rpc.ListWithdrawalsResponse> ListWithdrawals(Rpc.ListWithdrawalsRequest request, ServerCallContext context) =>
        withdrawals.PageAsync(CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken);

    private static Caller CallerOf(ServerCallContext context) => RequestChecks.Wallet(Caller.Of(context));

    /// <summary>The account that a request is about: the caller's own, or, for an operator, any.</summary>
    private static string OwnAccount(string accountId, ServerCallContext context)
    {
        var caller = CallerOf(context);
        return accountId.Length == 0 || accountId == caller.AccountId
            ? caller.AccountId
            : caller.Has(Scopes.Operator) ? accountId : throw LedgerErrors.NotYourAccount.Exception();
    }

    private static IEnumerable<Rpc.SquadMember> Members(StreamRecord stream) =>
        stream.Squad.Select(member => new Rpc.SquadMember { AccountId = member.AccountId, ShareBps = (uint)member.ShareBps });
}
