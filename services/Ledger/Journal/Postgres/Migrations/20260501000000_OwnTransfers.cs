using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Postgres.Migrations;

/// <summary>With each batch, which transfers are its own, in the place of an index that each transfer paid for.</summary>
[DbContext(typeof(PostgresLedgerDb))]
[Migration("20260501000000_OwnTransfers")]
internal sealed class OwnTransfers : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<int>(name: "legs", table: "batches", type: "integer", nullable: false, defaultValue: 0);
        migrationBuilder.AddColumn<long>(name: "last_transfer", table: "batches", type: "bigint", nullable: false, defaultValue: 0L);
        // Rows of the journal change this once, in what they did not have before.
        migrationBuilder.Sql(
            """
            ALTER TABLE batches DISABLE TRIGGER batches_no_update;
            UPDATE batches SET legs = own.legs, last_transfer = own.last_transfer
            FROM (SELECT batch, count(*) AS legs, max(sequence) AS last_transfer FROM transfers GROUP BY batch) AS own WHERE own.batch = batches.sequence;
            ALTER TABLE batches ENABLE TRIGGER batches_no_update;
            """);
        migrationBuilder.DropIndex(name: "IX_transfers_batch", table: "transfers");
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateIndex(name: "IX_transfers_batch", table: "transfers", column: "batch");
        migrationBuilder.DropColumn(name: "last_transfer", table: "batches");
        migrationBuilder.DropColumn(name: "legs", table: "batches");
    }
}
