namespace Beacon.Ledger.Journal;

/// <summary>One link of the chain over the journal: what one transaction added, sealed together with all that came before.</summary>
/// <param name="Number">1, 2, 3 and so on.</param>
/// <param name="LastAccount">The highest account number when the link was made.</param>
/// <param name="LastBatch">The highest batch.</param>
/// <param name="LastTransfer">The highest transfer.</param>
/// <param name="Hash"><see cref="ChainHash"/>.</param>
internal sealed record ChainLink(long Number, int LastAccount, long LastBatch, long LastTransfer, byte[] Hash)
{
    public static ChainLink Genesis => new(0, 0, 0, 0, ChainHash.Genesis);

    /// <summary>From the columns link, last_account, last_batch, last_transfer, hash.</summary>
    public static ChainLink Of(IRows row) => new(row.Long(0), row.Int(1), row.Long(2), row.Long(3), row.Blob(4).ToArray());
}
