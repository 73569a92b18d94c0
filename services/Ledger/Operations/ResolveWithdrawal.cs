using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// An operator paid a withdrawal out, and the credits leave; or refuses it, and they are free again. Once: a second decision
/// under another id is told what the first was. A frozen wallet is not paid out, but a withdrawal from it can be refused.
/// </summary>
internal sealed record ResolveWithdrawal(string OperatorAccountId, Guid WithdrawalId, Guid TransferId, bool PaidOut)
{
    public Decided<PendingTransfer> Decide(LedgerState state)
    {
        var batch = new TransferBatch(
            TransferId,
            DerivedId.Of(PaidOut ? "post" : "void", WithdrawalId.ToString()),
            TransferCode.Withdrawal,
            OperatorAccountId,
            WithdrawalId.ToString(),
            Window: null,
            []);
        var posting = PaidOut ? state.PostPending(batch, WithdrawalId) : state.VoidPending(batch, WithdrawalId);
        return posting.IsBooked ? posting.Pending ?? state.FindPending(WithdrawalId)! : LedgerErrors.Of(posting.Status);
    }
}
