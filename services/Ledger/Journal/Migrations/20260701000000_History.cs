using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>
/// Each transfer names the one before it on both sides, in the place of entries, which cost a quarter of a transfer.
/// </summary>
[DbContext(typeof(LedgerDb))]
[Migration("20260701000000_History")]
internal sealed class History : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var column in new[] { "debit_before", "credit_before" })
            migrationBuilder.AddColumn<long>(name: column, table: "transfers", type: "INTEGER", nullable: false, defaultValue: 0L);
        foreach (var column in new[] { "last_transfer", "transfers" })
            migrationBuilder.AddColumn<long>(name: column, table: "balances", type: "INTEGER", nullable: false, defaultValue: 0L);
        // Rows of the journal change this once, in what they did not have before.
        migrationBuilder.Sql(
            """
            CREATE TABLE sides (account INTEGER NOT NULL, transfer INTEGER NOT NULL, before INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (account, transfer)) WITHOUT ROWID;
            INSERT INTO sides
            SELECT account, transfer, lag(transfer, 1, 0) OVER own, row_number() OVER own
            FROM (SELECT debit AS account, sequence AS transfer FROM transfers UNION ALL SELECT credit, sequence FROM transfers)
            WINDOW own AS (PARTITION BY account ORDER BY transfer);

            DROP TRIGGER transfers_no_update;
            UPDATE transfers SET
                debit_before = (SELECT before FROM sides WHERE account = debit AND transfer = sequence),
                credit_before = (SELECT before FROM sides WHERE account = credit AND transfer = sequence);
            CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'transfers is append-only'); END;

            UPDATE balances SET last_transfer = own.last_transfer, transfers = own.transfers
            FROM (SELECT account, max(transfer) AS last_transfer, count(*) AS transfers FROM sides GROUP BY account) AS own WHERE own.account = balances.account;
            CREATE TABLE marks (
                account INTEGER NOT NULL,
                transfer INTEGER NOT NULL,
                CONSTRAINT PK_marks PRIMARY KEY (account, transfer)
            ) WITHOUT ROWID;
            INSERT INTO marks SELECT account, transfer FROM sides WHERE number % 128 = 0 ORDER BY 1, 2;
            DROP TABLE sides;
            DROP TABLE entry_cursor;
            DROP TABLE entries;
            """);
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE entries (
            account INTEGER NOT NULL,
            transfer INTEGER NOT NULL,
            CONSTRAINT PK_entries PRIMARY KEY (account, transfer)
        ) WITHOUT ROWID;
        INSERT INTO entries SELECT debit, sequence FROM transfers UNION ALL SELECT credit, sequence FROM transfers ORDER BY 1, 2;
        CREATE TABLE entry_cursor (
            id INTEGER NOT NULL CONSTRAINT PK_entry_cursor PRIMARY KEY,
            through INTEGER NOT NULL,
            CONSTRAINT one_row CHECK (id = 1)
        );
        INSERT INTO entry_cursor SELECT 1, coalesce(max(sequence), 0) FROM transfers;
        DROP TABLE marks;
        ALTER TABLE balances DROP COLUMN transfers;
        ALTER TABLE balances DROP COLUMN last_transfer;
        ALTER TABLE transfers DROP COLUMN credit_before;
        ALTER TABLE transfers DROP COLUMN debit_before;
        """);
}
