using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>The same tables in PostgreSQL, with migrations of their own.</summary>
internal sealed class PostgresLedgerDb(DbContextOptions<PostgresLedgerDb> options) : LedgerDb(options)
{
    protected override string BalanceFloor => "may_go_negative OR balance >= 0";

    /// <summary>Two walks down an index each; one OR over both sides would have the whole history sorted.</summary>
    public override Task<IQueryable<TransferRow>> SidesAsync(int account, long after, long through, int count, bool newestFirst, CancellationToken cancellationToken)
    {
        var between = Transfers.Where(transfer => transfer.Sequence > after && transfer.Sequence <= through);
        var ordered = newestFirst ? between.OrderByDescending(transfer => transfer.Sequence) : between.OrderBy(transfer => transfer.Sequence);
        return Task.FromResult(ordered.Where(transfer => transfer.Debit == account).Take(count).Concat(ordered.Where(transfer => transfer.Credit == account).Take(count)));
    }

    protected override void IndexSides(ModelBuilder modelBuilder) => modelBuilder.Ignore<EntryRow>().Ignore<EntryCursorRow>().Entity<TransferRow>(row =>
    {
        row.HasIndex(transfer => new { transfer.Debit, transfer.Sequence });
        row.HasIndex(transfer => new { transfer.Credit, transfer.Sequence });
    });
}

/// <summary>Gives those who ask for the ledger's context that of PostgreSQL.</summary>
internal sealed class PostgresContexts(IDbContextFactory<PostgresLedgerDb> contexts) : IDbContextFactory<LedgerDb>
{
    public LedgerDb CreateDbContext() => contexts.CreateDbContext();
}

/// <summary>For <c>dotnet ef migrations add --context PostgresLedgerDb</c> alone: makes the context without starting a host.</summary>
internal sealed class PostgresLedgerDbDesign : IDesignTimeDbContextFactory<PostgresLedgerDb>
{
    public PostgresLedgerDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<PostgresLedgerDb>().UseNpgsql("Host=design-time").Options);
}
