using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Beacon.Ledger.Journal;

/// <summary>For <c>dotnet ef migrations add</c> alone: makes the context without starting a host.</summary>
internal sealed class LedgerDbDesign : IDesignTimeDbContextFactory<LedgerDb>
{
    public LedgerDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<LedgerDb>().UseSqlite("Data Source=design-time.db").Options);
}
