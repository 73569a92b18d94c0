using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>
/// The chain over the journal, and events that are read from the journal instead of written beside it. What waits in the
/// outbox is still published from there; of the journal, what is booked from now on.
/// </summary>
[DbContext(typeof(LedgerDb))]
[Migration("20260201000000_Chain")]
internal sealed class Chain : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            name: "chain",
            columns: table => new
            {
                link = table.Column<long>(type: "INTEGER", nullable: false),
                last_account = table.Column<int>(type: "INTEGER", nullable: false),
                last_batch = table.Column<long>(type: "INTEGER", nullable: false),
                last_transfer = table.Column<long>(type: "INTEGER", nullable: false),
                hash = table.Column<byte[]>(type: "BLOB", nullable: false)
            },
            constraints: table => table.PrimaryKey("PK_chain", x => x.link));

        foreach (var verb in new[] { "UPDATE", "DELETE" })
            migrationBuilder.Sql($"CREATE TRIGGER chain_no_{verb.ToLowerInvariant()} BEFORE {verb} ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;");

        migrationBuilder.AddColumn<long>(name: "published_transfers", table: "outbox_cursor", type: "INTEGER", nullable: false, defaultValue: 0L);
        migrationBuilder.AddColumn<long>(name: "event_offset", table: "outbox_cursor", type: "INTEGER", nullable: false, defaultValue: 0L);
        migrationBuilder.Sql(
            """
            UPDATE outbox_cursor SET
                published_transfers = (SELECT coalesce(max(sequence), 0) FROM transfers),
                event_offset = max(published_through, (SELECT coalesce(max(sequence), 0) FROM outbox));
            """);
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.DropColumn(name: "event_offset", table: "outbox_cursor");
        migrationBuilder.DropColumn(name: "published_transfers", table: "outbox_cursor");
        migrationBuilder.DropTable(name: "chain");
    }
}
