using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>
/// How the transfers of an account are found, without an index that each of them would pay for: a transfer names the one
/// before it on both sides, the balance names the last, and every so many there is a mark, where a reader can begin in the
/// middle. Read by <see cref="LedgerDb.HistoryAsync"/>.
/// </summary>
internal static class History
{
    /// <summary>Transfers of an account from one mark to the next: what a reader walks in vain at most, and what divides the price of a mark.</summary>
    public const int TransfersPerMark = 128;

    /// <summary>Whether the transfer that is this one in its account's history, from 1, has a mark.</summary>
    public static bool HasMark(long number) => number % TransfersPerMark == 0;

    /// <summary>Puts a transfer at the end of the history of the account on one of its sides.</summary>
    /// <param name="marks">Gets the mark that is due, if one is.</param>
    /// <returns>The transfer before it; 0 = it is the first.</returns>
    public static long Append(Account account, long transfer, List<(int Account, long Transfer)> marks)
    {
        var before = account.Append(transfer);
        if (HasMark(account.Transfers))
            marks.Add((account.Number, transfer));
        return before;
    }
}
