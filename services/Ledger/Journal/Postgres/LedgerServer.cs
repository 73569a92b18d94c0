using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>
/// A ledger in a PostgreSQL database. Any number of instances may run on it; one writes. Its turn is an advisory lock of the
/// very session that writes: PostgreSQL drops the lock with the session, and without the session nothing can be written, so
/// that there is no moment in which two write or one writes late. Whoever gets the lock loads the state after it.
/// </summary>
internal sealed class LedgerServer(string connectionString) : ILedgerDatabase
{
    /// <summary>The first half of the lock's key, "BLgr"; the second is the schema, as every schema is a ledger.</summary>
    private const int LockKey = 0x424C6772;

    private readonly NpgsqlConnectionStringBuilder _settings = new(connectionString);
    private NpgsqlConnection? _waiting;

    public string Name => $"{_settings.Database ?? _settings.Username} on {_settings.Host}";

    public bool HasStandbys => true;

    /// <summary>True for a connection string of Npgsql's form, <c>Host=...</c>; that of a file has no host.</summary>
    public static bool IsMeant(string text)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = text }.ContainsKey("Host");
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    public void AddContexts(IServiceCollection services)
    {
        services.AddDbContextFactory<PostgresLedgerDb>(database => database
            .UseNpgsql(connectionString)
            // Every commit wakes a read of the outbox; at the usual level each would be a line of SQL in the log.
            .ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandExecuted, LogLevel.Debug))));
        services.AddSingleton<IDbContextFactory<LedgerDb>, PostgresContexts>();
    }

    /// <summary>Nothing: the schema is brought up to date by whoever has the lock.</summary>
    public Task<IDisposable?> StartAsync(IDbContextFactory<LedgerDb> databases, CancellationToken cancellationToken) =>
        Task.FromResult<IDisposable?>(new Waiting(this));

    public LedgerStore OpenStore(LedgerOptions options)
    {
        var session = TakeTurn();
        try
        {
            using (var database = new PostgresLedgerDb(new DbContextOptionsBuilder<PostgresLedgerDb>().UseNpgsql(connectionString).Options))
                database.Database.Migrate();
            return new PostgresStore(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public IJournalReader OpenJournal() => PostgresJournal.Open(connectionString);

    public EventPage ReadEvents(int transfers)
    {
        using var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        using var snapshot = connection.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
        using var cursor = PostgresRows.Of(connection, JournalEvents.Cursor);
        cursor.Read();
        using var rows = PostgresRows.Of(connection, $"{JournalEvents.Select} WHERE t.sequence > $1 ORDER BY t.sequence LIMIT $2", cursor.Long(0), transfers);
        return JournalEvents.Page(cursor.Long(1), transfers, rows, (first, last) =>
            PostgresRows.Of(connection, $"{JournalEvents.Legs} WHERE t.sequence >= $1 AND t.sequence <= $2 ORDER BY t.sequence", first, last));
    }

    /// <summary>A session that holds the lock.</summary>
    private NpgsqlConnection TakeTurn()
    {
        var session = _waiting ?? OpenSession();
        _waiting = null;
        try
        {
            using var take = new NpgsqlCommand("SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", session) { Parameters = { new() { Value = LockKey } } };
            if ((bool)take.ExecuteScalar()!)
                return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }

        // Kept for the next attempt.
        _waiting = session;
        throw new StandbyException($"Another instance of the ledger writes to {Name}; this one stands by.");
    }

    private NpgsqlConnection OpenSession()
    {
        var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString)
        {
            // The session is the turn: it must end when it is closed, and be nobody else's.
            Pooling = false,
            Multiplexing = false,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
            ApplicationName = "beacon-ledger writer",
        }.ToString());
        try
        {
            session.Open();
            // Acknowledged is durable, whatever the database's default; and a machine that vanished gives its turn back within seconds.
            using var set = new NpgsqlCommand(
                """
                SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
                SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
                """,
                session);
            set.ExecuteNonQuery();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Ends the waiting when the writer ends.</summary>
    private sealed class Waiting(LedgerServer server) : IDisposable
    {
        public void Dispose()
        {
            server._waiting?.Dispose();
            server._waiting = null;
        }
    }
}
