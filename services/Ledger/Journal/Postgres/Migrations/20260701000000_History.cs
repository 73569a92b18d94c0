using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Postgres.Migrations;

/// <summary>Each transfer names the one before it on both sides, in the place of two indexes that each of them paid for.</summary>
[DbContext(typeof(PostgresLedgerDb))]
[Migration("20260701000000_History")]
internal sealed class History : Migration
{
    private static readonly string[] Sides = ["credit", "debit"];

    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var side in Sides)
            migrationBuilder.DropIndex(name: $"IX_transfers_{side}_sequence", table: "transfers");
        foreach (var column in new[] { "debit_before", "credit_before" })
            migrationBuilder.AddColumn<long>(name: column, table: "transfers", type: "bigint", nullable: false, defaultValue: 0L);
        foreach (var column in new[] { "last_transfer", "transfers" })
            migrationBuilder.AddColumn<long>(name: column, table: "balances", type: "bigint", nullable: false, defaultValue: 0L);
        migrationBuilder.CreateTable(
            name: "marks",
            columns: table => new
            {
                account = table.Column<int>(type: "integer", nullable: false),
                transfer = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table => table.PrimaryKey("PK_marks", x => new { x.account, x.transfer }));
        // Rows of the journal change this once, in what they did not have before.
        migrationBuilder.Sql(
            """
            CREATE TEMPORARY TABLE sides ON COMMIT DROP AS
            SELECT account, transfer, lag(transfer, 1, 0::bigint) OVER own AS before, row_number() OVER own AS number
            FROM (SELECT debit AS account, sequence AS transfer FROM transfers UNION ALL SELECT credit, sequence FROM transfers) AS both_sides
            WINDOW own AS (PARTITION BY account ORDER BY transfer);
            CREATE INDEX ON sides (account, transfer);
            ANALYZE sides;

            ALTER TABLE transfers DISABLE TRIGGER transfers_no_update;
            UPDATE transfers SET debit_before = d.before, credit_before = c.before
            FROM sides d, sides c WHERE d.account = debit AND d.transfer = sequence AND c.account = credit AND c.transfer = sequence;
            ALTER TABLE transfers ENABLE TRIGGER transfers_no_update;

            UPDATE balances SET last_transfer = own.last_transfer, transfers = own.transfers
            FROM (SELECT account, max(transfer) AS last_transfer, count(*) AS transfers FROM sides GROUP BY account) AS own WHERE own.account = balances.account;
            INSERT INTO marks SELECT account, transfer FROM sides WHERE number % 128 = 0;
            """);
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.DropTable(name: "marks");
        foreach (var column in new[] { "transfers", "last_transfer" })
            migrationBuilder.DropColumn(name: column, table: "balances");
        foreach (var column in new[] { "credit_before", "debit_before" })
            migrationBuilder.DropColumn(name: column, table: "transfers");
        foreach (var side in Sides)
            migrationBuilder.CreateIndex(name: $"IX_transfers_{side}_sequence", table: "transfers", columns: [side, "sequence"]);
    }
}
