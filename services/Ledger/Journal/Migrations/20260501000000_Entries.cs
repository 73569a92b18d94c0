using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>
/// Entries, which the writer makes in runs, in the place of indexes that each transfer paid for; and with each batch, which
/// transfers are its own.
/// </summary>
[DbContext(typeof(LedgerDb))]
[Migration("20260501000000_Entries")]
internal sealed class Entries : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        // The row is its own key: the table is the index.
        migrationBuilder.Sql(
            """
            CREATE TABLE entries (
                account INTEGER NOT NULL,
                transfer INTEGER NOT NULL,
                CONSTRAINT PK_entries PRIMARY KEY (account, transfer)
            ) WITHOUT ROWID;
            INSERT INTO entries SELECT debit, sequence FROM transfers UNION ALL SELECT credit, sequence FROM transfers ORDER BY 1, 2;
            """);
        migrationBuilder.CreateTable(
            name: "entry_cursor",
            columns: table => new
            {
                id = table.Column<int>(type: "INTEGER", nullable: false),
                through = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_entry_cursor", x => x.id);
                table.CheckConstraint("one_row", "id = 1");
            });
        migrationBuilder.Sql("INSERT INTO entry_cursor SELECT 1, coalesce(max(sequence), 0) FROM transfers");

        migrationBuilder.AddColumn<int>(name: "legs", table: "batches", type: "INTEGER", nullable: false, defaultValue: 0);
        migrationBuilder.AddColumn<long>(name: "last_transfer", table: "batches", type: "INTEGER", nullable: false, defaultValue: 0L);
        // Rows of the journal change this once, in what they did not have before.
        migrationBuilder.Sql(
            """
            DROP TRIGGER batches_no_update;
            UPDATE batches SET legs = own.legs, last_transfer = own.last_transfer
            FROM (SELECT batch, count(*) AS legs, max(sequence) AS last_transfer FROM transfers GROUP BY batch) AS own WHERE own.batch = batches.sequence;
            CREATE TRIGGER batches_no_update BEFORE UPDATE ON batches BEGIN SELECT RAISE(ABORT, 'batches is append-only'); END;
            """);
        foreach (var column in new[] { "batch", "credit", "debit" })
            migrationBuilder.DropIndex(name: $"IX_transfers_{column}", table: "transfers");
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        foreach (var column in new[] { "batch", "credit", "debit" })
            migrationBuilder.CreateIndex(name: $"IX_transfers_{column}", table: "transfers", column: column);
        migrationBuilder.Sql("ALTER TABLE batches DROP COLUMN last_transfer; ALTER TABLE batches DROP COLUMN legs;");
        migrationBuilder.DropTable(name: "entry_cursor");
        migrationBuilder.DropTable(name: "entries");
    }
}
