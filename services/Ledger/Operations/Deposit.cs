using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>Credits that an operator brings in, from the treasury.</summary>
internal sealed record Deposit(string OperatorAccountId, string AccountId, long Amount, Guid TransferId)
{
    public Decided<PostedBatch> Decide(LedgerState state)
    {
        var content = DerivedId.Of("deposit", AccountId, Amount.ToString(CultureInfo.InvariantCulture));
        if (state.Replay(TransferId, TransferCode.Deposit, content, Amount) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.Find(AccountId) is not { Kind: AccountKind.Wallet })
            return LedgerErrors.UnknownAccount;
        var posting = state.Post(new TransferBatch(
            TransferId, content, TransferCode.Deposit, OperatorAccountId, "", Window: null, [new Leg(AccountIds.Treasury, AccountId, Amount)]));
        return posting.Batch is { } posted ? posted : LedgerErrors.Of(posting.Status);
    }
}
