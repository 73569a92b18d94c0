using System.Data;
using Npgsql;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>The journal in a PostgreSQL database: one snapshot, that of a transaction which only reads.</summary>
internal sealed class PostgresJournal : IJournalReader
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _snapshot;

    private readonly string _batches;
    private readonly string _transfers;

    private PostgresJournal(NpgsqlConnection connection)
    {
        (_connection, _snapshot) = (connection, connection.BeginTransaction(IsolationLevel.RepeatableRead));
        // A database of a former version is proved as it is.
        (_batches, _transfers) = (JournalSql.Batches(Has), JournalSql.Transfers(Has));
    }

    /// <summary>On a connection of its own.</summary>
    public static PostgresJournal Open(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString);
        try
        {
            connection.Open();
            return new PostgresJournal(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public ChainLink? Link(long number)
    {
        using var row = PostgresRows.Of(_connection, $"{JournalSql.Links} WHERE link = $1", number);
        return row.Read() ? ChainLink.Of(row) : null;
    }

    public IRows Accounts(int after, int to) =>
        PostgresRows.InPages(_connection, "SELECT number, account_id, kind, may_go_negative, opened_at_ms FROM accounts", "number", after, to);

    public IRows Batches(long after, long to) => PostgresRows.InPages(_connection, _batches, "sequence", after, to);

    public IRows Transfers(long after, long to) => PostgresRows.InPages(_connection, _transfers, "sequence", after, to);

    public IRows Balances() => PostgresRows.InPages(_connection, JournalSql.Balances(Has), Has("accounts", "balance") ? "number" : "account", 0, int.MaxValue);

    public (int Account, long Batch, long Transfer) Ends()
    {
        using var row = PostgresRows.Of(_connection, JournalSql.Ends);
        row.Read();
        return (row.Int(0), row.Long(1), row.Long(2));
    }

    /// <summary>PostgreSQL checks its pages itself, by checksums, when the cluster has them; a bad one ends the reading with an error.</summary>
    public IReadOnlyList<string> Damage(int most) => [];

    public IReadOnlyList<string> RepeatedIds(int most)
    {
        // From the table itself: an index that is damaged would hide what it left out.
        using (var plan = new NpgsqlCommand("SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off", _connection))
            plan.ExecuteNonQuery();
        var repeated = Texts($"SELECT upper(encode(batch_id, 'hex')) FROM batches GROUP BY batch_id HAVING count(*) > 1 LIMIT {most}");
        using (var plan = new NpgsqlCommand("SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on; SET LOCAL enable_bitmapscan = on", _connection))
            plan.ExecuteNonQuery();
        return repeated;
    }

    public IReadOnlyList<string> Triggers() =>
        Texts("SELECT t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')");

    public void Dispose()
    {
        _snapshot.Dispose();
        _connection.Dispose();
    }

    private bool Has(string table, string column) =>
        Texts($"SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}' AND column_name = '{column}'").Count > 0;

    private List<string> Texts(string sql)
    {
        using var rows = PostgresRows.Of(_connection, sql);
        var texts = new List<string>();
        while (rows.Read())
            texts.Add(rows.Text(0));
        return texts;
    }
}
