namespace Beacon.Ledger.Journal;

/// <summary>What SQLite and PostgreSQL are asked in the same words; how a parameter is named is left to each.</summary>
internal static class JournalSql
{
    /// <summary>The last account, batch and transfer.</summary>
    public const string Ends =
        "SELECT (SELECT coalesce(max(number), 0) FROM accounts), (SELECT coalesce(max(sequence), 0) FROM batches), (SELECT coalesce(max(sequence), 0) FROM transfers)";

    /// <summary>As <see cref="ChainLink.Of"/> reads them.</summary>
    public const string Links = "SELECT link, last_account, last_batch, last_transfer, hash FROM chain";

    /// <summary>As <see cref="IJournalReader.Balances"/> has them, but for the order.</summary>
    /// <param name="has">Whether the ledger has a column of a table: one of a former version does not have all of them.</param>
    public static string Balances(Func<string, string, bool> has)
    {
        if (has("accounts", "balance"))
            return "SELECT number AS account, may_go_negative, balance, relay_earnings, NULL, NULL, NULL, NULL FROM accounts";
        var history = has("balances", "last_transfer")
            ? "last_transfer, transfers, (SELECT count(*) FROM marks m WHERE m.account = b.account), (SELECT CAST(coalesce(sum(m.transfer), 0) AS bigint) FROM marks m WHERE m.account = b.account)"
            : "NULL, NULL, NULL, NULL";
        return $"SELECT account, may_go_negative, balance, relay_earnings, {history} FROM balances b";
    }

    /// <summary>As <see cref="IJournalReader.Batches"/> has them, but for range and order.</summary>
    public static string Batches(Func<string, string, bool> has) =>
        $"""SELECT sequence, batch_id, content, code, actor, reference, "window", booked_at_ms, {(has("batches", "legs") ? "legs, last_transfer" : "NULL, NULL")} FROM batches""";

    /// <summary>As <see cref="IJournalReader.Transfers"/> has them, but for range and order.</summary>
    public static string Transfers(Func<string, string, bool> has) =>
        $"SELECT sequence, transfer_id, batch, debit, credit, amount, debit_balance, credit_balance, {(has("transfers", "debit_before") ? "debit_before, credit_before" : "NULL, NULL")} FROM transfers";

    /// <summary>With the ids of their accounts; the number of the batch follows.</summary>
    public const string TransfersOfBatch =
        """
        SELECT t.sequence, t.transfer_id, d.account_id, c.account_id, t.amount, t.debit_balance, t.credit_balance
        FROM batches b JOIN transfers t ON t.sequence > b.last_transfer - b.legs AND t.sequence <= b.last_transfer
        JOIN accounts d ON d.number = t.debit JOIN accounts c ON c.number = t.credit WHERE b.sequence =
        """;
}
