namespace Beacon.Ledger.Journal;

/// <summary>One snapshot of the journal, for whoever replays it. Ranges begin after the first number and end with the second.</summary>
internal interface IJournalReader : IDisposable
{
    /// <summary>A link of the chain, or null when there is none of this number.</summary>
    ChainLink? Link(long number);

    /// <summary>Number, account id, kind, may go negative, time of opening; in order of numbers.</summary>
    IRows Accounts(int after, int to);

    /// <summary>Sequence, id, content, code, actor, reference, window, time of booking, number of transfers, the last of them; in order of sequences.</summary>
    IRows Batches(long after, long to);

    /// <summary>Sequence, id, batch, debit, credit, amount, both balances, the transfers before it of both accounts (null in a former version); in order of sequences.</summary>
    IRows Transfers(long after, long to);

    /// <summary>
    /// Account, whether it may go negative, balance, relay earnings, the last transfer, the number of transfers, the number of marks and the
    /// sum over their transfers (these four are null in a former version); in order of accounts.
    /// </summary>
    IRows Balances();

    /// <summary>The highest number of accounts, batches and transfers.</summary>
    (int Account, long Batch, long Transfer) Ends();

    /// <summary>What the database itself finds wrong with its pages and indexes.</summary>
    IReadOnlyList<string> Damage(int most);

    /// <summary>Batch ids, in hex, that stand there more than once, whatever the unique index says.</summary>
    IReadOnlyList<string> RepeatedIds(int most);

    /// <summary>Names of the triggers that are there and in force.</summary>
    IReadOnlyList<string> Triggers();
}
