using Beacon.ServiceDefaults;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>Where the ledger is kept: <c>ConnectionStrings:ledger</c>, by default <c>ledger.db</c> in the data directory.</summary>
/// <param name="ConnectionString">Names a file.</param>
internal sealed record LedgerFile(string ConnectionString)
{
    public string Path => new SqliteConnectionStringBuilder(ConnectionString).DataSource;

    public static LedgerFile Of(IHostApplicationBuilder builder)
    {
        var configured = builder.Configuration.GetConnectionString("ledger");
        var text = new SqliteConnectionStringBuilder(string.IsNullOrEmpty(configured) ? $"Data Source={builder.DataFile("ledger.db")}" : configured);
        if (text.DataSource.Length == 0 || text.DataSource == ":memory:" || text.Mode is SqliteOpenMode.Memory or SqliteOpenMode.ReadOnly)
            throw new InvalidOperationException("ConnectionStrings:ledger must name a file that can be written, for example Data Source=/var/lib/beacon/ledger.db.");
        return new LedgerFile(text.ToString());
    }
}
