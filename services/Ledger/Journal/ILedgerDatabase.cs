using Microsoft.EntityFrameworkCore;

namespace Beacon.Ledger.Journal;

/// <summary>Where the ledger is kept: a SQLite file (<see cref="LedgerFile"/>) or a PostgreSQL database (<see cref="Postgres.LedgerServer"/>).</summary>
internal interface ILedgerDatabase
{
    /// <summary>For logs and reports; holds no secret.</summary>
    string Name { get; }

    /// <summary>True when several instances may run of which one writes; then a writer that cannot get its turn waits for it.</summary>
    bool HasStandbys { get; }

    /// <summary>Registers the contexts of EF.</summary>
    void AddContexts(IServiceCollection services);

    /// <summary>What happens once, before the first store is opened. What it returns is held as long as the writer runs.</summary>
    Task<IDisposable?> StartAsync(IDbContextFactory<LedgerDb> databases, CancellationToken cancellationToken);

    /// <summary>A store for the one who writes. Throws <see cref="StandbyException"/> while another instance does.</summary>
    LedgerStore OpenStore(LedgerOptions options);

    /// <summary>A snapshot of the journal.</summary>
    IJournalReader OpenJournal();

    /// <summary>The events behind the cursor, of about so many transfers.</summary>
    EventPage ReadEvents(int transfers);
}

/// <summary>Another instance writes to the same database.</summary>
internal sealed class StandbyException(string message) : Exception(message);

/// <summary>Chooses by the form of a connection string.</summary>
internal static class LedgerDatabases
{
    /// <summary>By <c>ConnectionStrings:ledger</c>; without it, <c>ledger.db</c> in the data directory.</summary>
    public static ILedgerDatabase Of(IHostApplicationBuilder builder) =>
        builder.Configuration.GetConnectionString("ledger") is { } configured && Postgres.LedgerServer.IsMeant(configured)
            ? new Postgres.LedgerServer(configured)
            : LedgerFile.Of(builder);
}
