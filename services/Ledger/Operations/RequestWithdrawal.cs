using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// The caller wants credits out: they are held until an operator posts or voids the withdrawal, or its time is over. Order of
/// answers: a repetition first, then <c>account_frozen</c>, <c>too_many_withdrawals</c>, <c>insufficient_credits</c>.
/// </summary>
internal sealed record RequestWithdrawal(string AccountId, string Name, long Amount, Guid WithdrawalId)
{
    public Decided<PendingTransfer> Decide(LedgerState state)
    {
        var content = DerivedId.Of("withdrawal", AccountId, Amount.ToString(CultureInfo.InvariantCulture));
        if (state.Replay(WithdrawalId, TransferCode.Withdrawal, content, Amount) is { } replay)
            return replay.IsBooked ? state.FindPending(WithdrawalId)! : LedgerErrors.Of(replay.Status);
        var wallet = state.Wallet(AccountId, Name);
        if (wallet.IsFrozen)
            return LedgerErrors.AccountFrozen;
        if (state.CountPending(wallet) >= state.Options.MaxWaitingWithdrawals)
            return LedgerErrors.TooManyWithdrawals;
        var posting = state.Hold(
            new TransferBatch(
                WithdrawalId, content, TransferCode.Withdrawal, AccountId, "", Window: null, [new Leg(AccountId, AccountIds.Treasury, Amount)]),
            state.NowMs + (state.Options.WithdrawalTimeoutHours * 3_600_000L));
        return posting.Pending is { } pending ? pending : LedgerErrors.Of(posting.Status);
    }
}
