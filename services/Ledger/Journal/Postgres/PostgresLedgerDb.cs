using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>The same tables in PostgreSQL, with migrations of their own.</summary>
internal sealed class PostgresLedgerDb(DbContextOptions<PostgresLedgerDb> options) : LedgerDb(options)
{
    protected override string BalanceFloor => "may_go_negative OR balance >= 0";
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
