using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// An operator freezes a wallet, or ends that; the same again changes nothing. Nothing leaves a frozen wallet: no tip, no
/// sponsorship, no withdrawal, also none that was asked for before. What others owe it still arrives, and stays there: a tip
/// to a squad does not fail for its other members, and work that was done is not lost if the suspicion was wrong.
/// </summary>
internal sealed record SetFreeze(string OperatorAccountId, string AccountId, bool Frozen, string Note)
{
    public Decided<Account> Decide(LedgerState state)
    {
        if (state.Find(AccountId) is not { Kind: AccountKind.Wallet } wallet)
            return LedgerErrors.UnknownAccount;
        state.Freeze(wallet, Frozen, OperatorAccountId, Note);
        return wallet;
    }
}
