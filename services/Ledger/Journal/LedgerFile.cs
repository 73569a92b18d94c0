using Beacon.ServiceDefaults;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Beacon.Ledger.Journal;

/// <summary>A ledger in a SQLite file: <c>ConnectionStrings:ledger</c>, by default <c>ledger.db</c> in the data directory.</summary>
/// <param name="ConnectionString">Names a file.</param>
internal sealed record LedgerFile(string ConnectionString) : ILedgerDatabase
{
    public string Path => new SqliteConnectionStringBuilder(ConnectionString).DataSource;

    public string Name => Path;

    public bool HasStandbys => false;

    public static LedgerFile Of(IHostApplicationBuilder builder)
    {
        var configured = builder.Configuration.GetConnectionString("ledger");
        var text = new SqliteConnectionStringBuilder(string.IsNullOrEmpty(configured) ? $"Data Source={builder.DataFile("ledger.db")}" : configured);
        if (text.DataSource.Length == 0 || text.DataSource == ":memory:" || text.Mode is SqliteOpenMode.Memory or SqliteOpenMode.ReadOnly)
            throw new InvalidOperationException("ConnectionStrings:ledger must name a file that can be written, for example Data Source=/var/lib/beacon/ledger.db.");
        return new LedgerFile(text.ToString());
    }

    /// <summary>A file that is only looked at.</summary>
    public static LedgerFile ToRead(string path) =>
        new(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());

    public void AddContexts(IServiceCollection services) => services.AddDbContextFactory<LedgerDb>(database => database
        .UseSqlite(ConnectionString)
        // Every commit wakes a read of the outbox; at the usual level each would be a line of SQL in the log.
        .ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandExecuted, LogLevel.Debug))));

    public async Task<IDisposable?> StartAsync(IDbContextFactory<LedgerDb> databases, CancellationToken cancellationToken)
    {
        var taken = WriterLock.Take(Path);
        try
        {
            await using var database = await databases.CreateDbContextAsync(cancellationToken);
            await database.Database.MigrateAsync(cancellationToken);
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    public LedgerStore OpenStore(LedgerOptions options) => new SqliteStore(Path, options);

    public IJournalReader OpenJournal() => SqliteJournal.Open(ConnectionString);

    public EventPage ReadEvents(int transfers)
    {
        using var connection = new SqliteConnection(ConnectionString);
        connection.Open();
        using var snapshot = connection.BeginTransaction(deferred: true);
        using var cursor = new PreparedStatement(connection.Handle!, JournalEvents.Cursor);
        cursor.Read();
        var (after, offset) = (cursor.Long(0), cursor.Long(1));
        cursor.Reset();
        using var rows = new PreparedStatement(connection.Handle!, $"{JournalEvents.Select} WHERE t.sequence > ? ORDER BY t.sequence LIMIT ?");
        using var legs = new PreparedStatement(connection.Handle!, $"{JournalEvents.Legs} WHERE t.sequence >= ? AND t.sequence <= ? ORDER BY t.sequence");
        return JournalEvents.Page(offset, transfers, rows.Add(after).Add(transfers), (first, last) => legs.Add(first).Add(last));
    }
}
