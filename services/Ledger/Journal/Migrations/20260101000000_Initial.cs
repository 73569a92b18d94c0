using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>The first schema. The journal is append-only by triggers too, so that a mistaken statement of anybody is refused.</summary>
internal sealed partial class Initial : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            name: "accounts",
            columns: table => new
            {
                number = table.Column<int>(type: "INTEGER", nullable: false),
                account_id = table.Column<string>(type: "TEXT", nullable: false),
                kind = table.Column<int>(type: "INTEGER", nullable: false),
                may_go_negative = table.Column<bool>(type: "INTEGER", nullable: false),
                display_name = table.Column<string>(type: "TEXT", nullable: false),
                opened_at_ms = table.Column<long>(type: "INTEGER", nullable: false),
                balance = table.Column<long>(type: "INTEGER", nullable: false),
                relay_earnings = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_accounts", x => x.number);
                table.CheckConstraint("balance_floor", "may_go_negative = 1 OR balance >= 0");
            });

        migrationBuilder.CreateTable(
            name: "batches",
            columns: table => new
            {
                sequence = table.Column<long>(type: "INTEGER", nullable: false),
                batch_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                content = table.Column<byte[]>(type: "BLOB", nullable: false),
                code = table.Column<int>(type: "INTEGER", nullable: false),
                actor = table.Column<string>(type: "TEXT", nullable: false),
                reference = table.Column<string>(type: "TEXT", nullable: false),
                window = table.Column<long>(type: "INTEGER", nullable: true),
                booked_at_ms = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_batches", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "outbox",
            columns: table => new
            {
                sequence = table.Column<long>(type: "INTEGER", nullable: false),
                type = table.Column<string>(type: "TEXT", nullable: false),
                payload = table.Column<string>(type: "TEXT", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_outbox", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "outbox_cursor",
            columns: table => new
            {
                id = table.Column<int>(type: "INTEGER", nullable: false),
                published_through = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_outbox_cursor", x => x.id);
                table.CheckConstraint("one_row", "id = 1");
            });

        migrationBuilder.CreateTable(
            name: "sponsorships",
            columns: table => new
            {
                sponsorship_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                stream_id = table.Column<string>(type: "TEXT", nullable: false),
                sponsor = table.Column<string>(type: "TEXT", nullable: false),
                budget = table.Column<long>(type: "INTEGER", nullable: false),
                spent = table.Column<long>(type: "INTEGER", nullable: false),
                rate = table.Column<long>(type: "INTEGER", nullable: false),
                state = table.Column<int>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_sponsorships", x => x.sponsorship_id);
                table.CheckConstraint("within_budget", "spent BETWEEN 0 AND budget");
            });

        migrationBuilder.CreateTable(
            name: "squad_members",
            columns: table => new
            {
                stream_id = table.Column<string>(type: "TEXT", nullable: false),
                position = table.Column<int>(type: "INTEGER", nullable: false),
                account_id = table.Column<string>(type: "TEXT", nullable: false),
                share_bps = table.Column<int>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_squad_members", x => new { x.stream_id, x.position });
                table.CheckConstraint("share_range", "share_bps BETWEEN 1 AND 10000");
            });

        migrationBuilder.CreateTable(
            name: "streams",
            columns: table => new
            {
                stream_id = table.Column<string>(type: "TEXT", nullable: false),
                broadcaster = table.Column<string>(type: "TEXT", nullable: false),
                started_at_ms = table.Column<long>(type: "INTEGER", nullable: false),
                ended_at_ms = table.Column<long>(type: "INTEGER", nullable: true),
                squad_version = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_streams", x => x.stream_id);
            });

        migrationBuilder.CreateTable(
            name: "transfers",
            columns: table => new
            {
                sequence = table.Column<long>(type: "INTEGER", nullable: false),
                transfer_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                batch = table.Column<long>(type: "INTEGER", nullable: false),
                debit = table.Column<int>(type: "INTEGER", nullable: false),
                credit = table.Column<int>(type: "INTEGER", nullable: false),
                amount = table.Column<long>(type: "INTEGER", nullable: false),
                debit_balance = table.Column<long>(type: "INTEGER", nullable: false),
                credit_balance = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_transfers", x => x.sequence);
                table.CheckConstraint("amount_positive", "amount > 0");
                table.CheckConstraint("two_accounts", "debit <> credit");
            });

        migrationBuilder.InsertData(
            table: "outbox_cursor",
            columns: ["id", "published_through"],
            values: [1, 0L]);

        migrationBuilder.CreateIndex(
            name: "IX_accounts_account_id",
            table: "accounts",
            column: "account_id",
            unique: true);

        migrationBuilder.CreateIndex(
            name: "IX_batches_batch_id",
            table: "batches",
            column: "batch_id",
            unique: true);

        migrationBuilder.CreateIndex(
            name: "IX_sponsorships_state",
            table: "sponsorships",
            column: "state");

        migrationBuilder.CreateIndex(
            name: "IX_streams_ended_at_ms",
            table: "streams",
            column: "ended_at_ms");

        migrationBuilder.CreateIndex(
            name: "IX_transfers_batch",
            table: "transfers",
            column: "batch");

        migrationBuilder.CreateIndex(
            name: "IX_transfers_credit",
            table: "transfers",
            column: "credit");

        migrationBuilder.CreateIndex(
            name: "IX_transfers_debit",
            table: "transfers",
            column: "debit");

        foreach (var table in new[] { "batches", "transfers" })
        {
            foreach (var verb in new[] { "UPDATE", "DELETE" })
                migrationBuilder.Sql($"CREATE TRIGGER {table}_no_{verb.ToLowerInvariant()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;");
        }

        migrationBuilder.Sql("CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are kept for ever'); END;");
        migrationBuilder.Sql("CREATE TRIGGER accounts_identity BEFORE UPDATE OF number, account_id, kind, may_go_negative, opened_at_ms ON accounts BEGIN SELECT RAISE(ABORT, 'what an account is does not change'); END;");
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.DropTable(
            name: "accounts");

        migrationBuilder.DropTable(
            name: "batches");

        migrationBuilder.DropTable(
            name: "outbox");

        migrationBuilder.DropTable(
            name: "outbox_cursor");

        migrationBuilder.DropTable(
            name: "sponsorships");

        migrationBuilder.DropTable(
            name: "squad_members");

        migrationBuilder.DropTable(
            name: "streams");

        migrationBuilder.DropTable(
            name: "transfers");
    }
}
