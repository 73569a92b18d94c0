namespace Beacon.Ledger.Journal;

/// <summary>What SQLite and PostgreSQL are asked in the same words; how a parameter is named is left to each.</summary>
internal static class JournalSql
{
    /// <summary>The last account, batch and transfer.</summary>
    public const string Ends =
        "SELECT (SELECT coalesce(max(number), 0) FROM accounts), (SELECT coalesce(max(sequence), 0) FROM batches), (SELECT coalesce(max(sequence), 0) FROM transfers)";

    /// <summary>As <see cref="ChainLink.Of"/> reads them.</summary>
    public const string Links = "SELECT link, last_account, last_batch, last_transfer, hash FROM chain";

    /// <summary>Account, whether it may go negative, balance, relay earnings.</summary>
    public const string Balances = "SELECT account, may_go_negative, balance, relay_earnings FROM balances";

    /// <summary>The same in a ledger of a former version, which had them with the accounts.</summary>
    public const string FormerBalances = "SELECT number AS account, may_go_negative, balance, relay_earnings FROM accounts";

    /// <summary>With the ids of their accounts; the number of the batch follows.</summary>
    public const string TransfersOfBatch =
        """
        SELECT t.sequence, t.transfer_id, d.account_id, c.account_id, t.amount, t.debit_balance, t.credit_balance
        FROM batches b JOIN transfers t ON t.sequence > b.last_transfer - b.legs AND t.sequence <= b.last_transfer
        JOIN accounts d ON d.number = t.debit JOIN accounts c ON c.number = t.credit WHERE b.sequence =
        """;
}
