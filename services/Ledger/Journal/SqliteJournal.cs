using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>The journal in a SQLite file, as the connection's transaction sees it; without one, as it is.</summary>
internal sealed class SqliteJournal : IJournalReader
{
    private readonly sqlite3 _database;
    private readonly SqliteConnection? _connection;
    private readonly PreparedStatement? _end;
    private readonly List<PreparedStatement> _statements = [];
    private readonly PreparedStatement _link;
    private readonly PreparedStatement _accounts;
    private readonly PreparedStatement _batches;
    private readonly PreparedStatement _transfers;

    /// <summary>On a connection of somebody else, who holds the snapshot.</summary>
    public SqliteJournal(sqlite3 database)
    {
        _database = database;
        _link = Prepare($"{JournalSql.Links} WHERE link = ?");
        _accounts = Prepare("SELECT number, account_id, kind, may_go_negative, opened_at_ms FROM accounts WHERE number > ? AND number <= ? ORDER BY number");
        // A file of a former version, a backup for example, is proved as it is.
        _batches = Prepare($"{JournalSql.Batches(Has)} WHERE sequence > ? AND sequence <= ? ORDER BY sequence");
        _transfers = Prepare($"{JournalSql.Transfers(Has)} WHERE sequence > ? AND sequence <= ? ORDER BY sequence");
    }

    private SqliteJournal(SqliteConnection connection, PreparedStatement end)
        : this(connection.Handle!) => (_connection, _end) = (connection, end);

    /// <summary>A snapshot on a connection of its own.</summary>
    public static SqliteJournal Open(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            using var begin = new PreparedStatement(connection.Handle!, "BEGIN");
            begin.Run();
            return new SqliteJournal(connection, new PreparedStatement(connection.Handle!, "ROLLBACK"));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public ChainLink? Link(long number)
    {
        if (!_link.Add(number).Read())
            return null;
        var link = ChainLink.Of(_link);
        _link.Reset();
        return link;
    }

    public IRows Accounts(int after, int to) => _accounts.Add(after).Add(to);

    public IRows Batches(long after, long to) => _batches.Add(after).Add(to);

    public IRows Transfers(long after, long to) => _transfers.Add(after).Add(to);

    public IRows Balances() => Prepare($"{JournalSql.Balances(Has)} ORDER BY 1");

    public (int Account, long Batch, long Transfer) Ends()
    {
        var ends = Prepare(JournalSql.Ends);
        ends.Read();
        var found = (ends.Int(0), ends.Long(1), ends.Long(2));
        ends.Reset();
        return found;
    }

    public IReadOnlyList<string> Damage(int most) => [.. Texts($"PRAGMA integrity_check({most})").Where(line => line != "ok")];

    public IReadOnlyList<string> RepeatedIds(int most) => Texts($"SELECT hex(batch_id) FROM batches NOT INDEXED GROUP BY batch_id HAVING count(*) > 1 LIMIT {most}");

    public IReadOnlyList<string> Triggers() => Texts("SELECT name FROM sqlite_master WHERE type = 'trigger'");

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Reset();
            statement.Dispose();
        }

        if (_connection is null)
            return;
        try
        {
            // A pooled connection goes back, and must not take the snapshot with it.
            _end!.Run();
        }
        catch (SqliteException)
        {
            // A file that cannot be read ends its transaction by itself.
        }

        _end!.Dispose();
        _connection.Dispose();
    }

    private bool Has(string table, string column) => Texts($"SELECT name FROM pragma_table_info('{table}') WHERE name = '{column}'").Count > 0;

    private PreparedStatement Prepare(string sql)
    {
        var statement = new PreparedStatement(_database, sql);
        _statements.Add(statement);
        return statement;
    }

    private List<string> Texts(string sql)
    {
        using var rows = new PreparedStatement(_database, sql);
        var texts = new List<string>();
        while (rows.Read())
            texts.Add(rows.Text(0));
        return texts;
    }
}
