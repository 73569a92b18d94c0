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
internal sealed class LedgerGrpc(LedgerWriter writer, StreamOwners streams, Statements statements) : Rpc.LedgerService.LedgerServiceBase
{
    public override async Task<Rpc.GetWalletResponse> GetWallet(Rpc.GetWalletRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var (balance, earned) = await writer.ExecuteAsync(
            state => state.Wallet(caller.AccountId, caller.Name) is var wallet ? (wallet.Balance, wallet.RelayEarnings) : default,
            waitForRoom: false,
            context.CancellationToken);
        return new Rpc.GetWalletResponse { AccountId = caller.AccountId, BalanceMicrocredits = balance, EarnedByRelayingMicrocredits = earned };
    }

    public override Task<Rpc.ListTransfersResponse> ListTransfers(Rpc.ListTransfersRequest request, ServerCallContext context) =>
        statements.PageAsync(CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken);

    public override async Task<Rpc.TipResponse> Tip(Rpc.TipRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var tip = new Tip(
            caller.AccountId,
            caller.Name,
            request.StreamId,
            RequestChecks.Amount(request.AmountMicrocredits),
            RequestChecks.TransferId(request.TransferId));
        var posted = await streams.ExecuteAsync(request.StreamId, tip.Decide, context.CancellationToken);
        return new Rpc.TipResponse
        {
            TransferId = tip.TransferId.ToString(),
            Legs = { posted.Transfers.Select(leg => new Rpc.TipLeg { AccountId = leg.Credit.Id, AmountMicrocredits = leg.Amount }) },
            BalanceMicrocredits = posted.Transfers[^1].DebitBalance,
        };
    }

    public override async Task<Rpc.SetSquadResponse> SetSquad(Rpc.SetSquadRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var set = new SetSquad(caller.AccountId, request.StreamId, RequestChecks.Squad(request.Members.Select(member => (member.AccountId, member.ShareBps))));
        var stream = await streams.ExecuteAsync(request.StreamId, set.Decide, context.CancellationToken);
        return new Rpc.SetSquadResponse { StreamId = stream.StreamId, Members = { Members(stream) }, Version = (ulong)stream.SquadVersion };
    }

    public override async Task<Rpc.GetSquadResponse> GetSquad(Rpc.GetSquadRequest request, ServerCallContext context)
    {
        var stream = await streams.ExecuteAsync<StreamRecord>(
            request.StreamId,
            state => state.Stream(request.StreamId) is { IsLive: true } live ? live : CommonErrors.UnknownStream,
            context.CancellationToken);
        return new Rpc.GetSquadResponse { StreamId = stream.StreamId, Members = { Members(stream) }, Version = (ulong)stream.SquadVersion };
    }

    public override async Task<Rpc.DepositResponse> Deposit(Rpc.DepositRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        if (!caller.Has(Scopes.Operator))
            throw LedgerErrors.OperatorOnly.Exception();
        var deposit = new Deposit(
            caller.AccountId,
            request.AccountId,
            RequestChecks.Amount(request.AmountMicrocredits),
            RequestChecks.TransferId(request.TransferId));
        var posted = (await writer.ExecuteAsync(deposit.Decide, waitForRoom: false, context.CancellationToken)).OrThrow();
        return new Rpc.DepositResponse { TransferId = posted.Id.ToString(), BalanceMicrocredits = posted.Transfers[0].CreditBalance };
    }

    public override async Task<Rpc.CreateSponsorshipResponse> CreateSponsorship(Rpc.CreateSponsorshipRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var fund = new FundSponsorship(
            caller.AccountId,
            caller.Name,
            RequestChecks.TransferId(request.SponsorshipId),
            request.StreamId,
            RequestChecks.Amount(request.BudgetMicrocredits),
            RequestChecks.Rate(request.RateMicrocreditsPerViewerMinute));
        var posted = await streams.ExecuteAsync(request.StreamId, fund.Decide, context.CancellationToken);
        return new Rpc.CreateSponsorshipResponse { Sponsorship = Map(fund.Made), BalanceMicrocredits = posted.Transfers[0].DebitBalance };
    }

    public override async Task<Rpc.GetSponsorshipResponse> GetSponsorship(Rpc.GetSponsorshipRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        if (!Guid.TryParseExact(request.SponsorshipId, "D", out var id)
            || await statements.FindSponsorshipAsync(id, caller.AccountId, context.CancellationToken) is not { } sponsorship)
            throw LedgerErrors.UnknownSponsorship.Exception();
        return new Rpc.GetSponsorshipResponse { Sponsorship = Map(sponsorship) };
    }

    private static Caller CallerOf(ServerCallContext context) => RequestChecks.Wallet(Caller.Of(context));

    private static IEnumerable<Rpc.SquadMember> Members(StreamRecord stream) =>
        stream.Squad.Select(member => new Rpc.SquadMember { AccountId = member.AccountId, ShareBps = (uint)member.ShareBps });

    private static Rpc.Sponsorship Map(Sponsorship sponsorship) => new()
    {
        SponsorshipId = sponsorship.Id.ToString(),
        StreamId = sponsorship.StreamId,
        BudgetMicrocredits = sponsorship.Budget,
        SpentMicrocredits = sponsorship.Spent,
        RateMicrocreditsPerViewerMinute = sponsorship.Rate,
        State = (Rpc.SponsorshipState)sponsorship.State,
    };
}
