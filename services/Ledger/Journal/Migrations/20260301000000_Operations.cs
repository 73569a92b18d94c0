using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>Withdrawals, freezes, probation of relays, refused work, the pace and the deliveries of sponsorships.</summary>
[DbContext(typeof(LedgerDb))]
[Migration("20260301000000_Operations")]
internal sealed class Operations : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var column in new[] { "number", "created_at_ms", "max_per_hour", "campaign_ms", "viewer_ms", "to_relays" })
            migrationBuilder.AddColumn<long>(name: column, table: "sponsorships", type: "INTEGER", nullable: false, defaultValue: 0L);
        migrationBuilder.Sql("UPDATE sponsorships SET (number, created_at_ms) = (SELECT sequence, booked_at_ms FROM batches WHERE batch_id = sponsorship_id)");
        migrationBuilder.CreateIndex(name: "IX_sponsorships_sponsor_number", table: "sponsorships", columns: ["sponsor", "number"]);

        migrationBuilder.CreateTable(
            name: "deliveries",
            columns: table => new
            {
                sponsorship_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                hour = table.Column<long>(type: "INTEGER", nullable: false),
                viewer_ms = table.Column<long>(type: "INTEGER", nullable: false),
                spent = table.Column<long>(type: "INTEGER", nullable: false),
                to_relays = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table => table.PrimaryKey("PK_deliveries", x => new { x.sponsorship_id, x.hour }));

        migrationBuilder.CreateTable(
            name: "pending_transfers",
            columns: table => new
            {
                number = table.Column<long>(type: "INTEGER", nullable: false),
                pending_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                debit = table.Column<int>(type: "INTEGER", nullable: false),
                credit = table.Column<int>(type: "INTEGER", nullable: false),
                amount = table.Column<long>(type: "INTEGER", nullable: false),
                created_at_ms = table.Column<long>(type: "INTEGER", nullable: false),
                expires_at_ms = table.Column<long>(type: "INTEGER", nullable: false),
                state = table.Column<int>(type: "INTEGER", nullable: false),
                resolved_at_ms = table.Column<long>(type: "INTEGER", nullable: true),
                resolved_by = table.Column<byte[]>(type: "BLOB", nullable: true)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_pending_transfers", x => x.number);
                table.CheckConstraint("amount_positive", "amount > 0");
            });
        migrationBuilder.CreateIndex(name: "IX_pending_transfers_pending_id", table: "pending_transfers", column: "pending_id", unique: true);
        migrationBuilder.CreateIndex(name: "IX_pending_transfers_state", table: "pending_transfers", column: "state");
        migrationBuilder.CreateIndex(name: "IX_pending_transfers_debit", table: "pending_transfers", column: "debit");
        migrationBuilder.Sql("CREATE TRIGGER pending_transfers_no_delete BEFORE DELETE ON pending_transfers BEGIN SELECT RAISE(ABORT, 'pending_transfers are kept for ever'); END;");
        migrationBuilder.Sql("CREATE TRIGGER pending_transfers_identity BEFORE UPDATE OF number, pending_id, debit, credit, amount, created_at_ms, expires_at_ms ON pending_transfers BEGIN SELECT RAISE(ABORT, 'what is pending does not change'); END;");
        migrationBuilder.Sql("CREATE TRIGGER pending_transfers_once BEFORE UPDATE ON pending_transfers WHEN OLD.state <> 1 BEGIN SELECT RAISE(ABORT, 'a pending transfer ends once'); END;");

        migrationBuilder.CreateTable(
            name: "freezes",
            columns: table => new
            {
                sequence = table.Column<long>(type: "INTEGER", nullable: false),
                account = table.Column<int>(type: "INTEGER", nullable: false),
                frozen = table.Column<bool>(type: "INTEGER", nullable: false),
                actor = table.Column<string>(type: "TEXT", nullable: false),
                note = table.Column<string>(type: "TEXT", nullable: false),
                set_at_ms = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table => table.PrimaryKey("PK_freezes", x => x.sequence));
        migrationBuilder.CreateIndex(name: "IX_freezes_account", table: "freezes", column: "account");
        foreach (var verb in new[] { "UPDATE", "DELETE" })
            migrationBuilder.Sql($"CREATE TRIGGER freezes_no_{verb.ToLowerInvariant()} BEFORE {verb} ON freezes BEGIN SELECT RAISE(ABORT, 'freezes is append-only'); END;");

        migrationBuilder.CreateTable(
            name: "relay_standings",
            columns: table => new
            {
                account = table.Column<int>(type: "INTEGER", nullable: false),
                good_windows = table.Column<int>(type: "INTEGER", nullable: false),
                withheld = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_relay_standings", x => x.account);
                table.CheckConstraint("withheld_floor", "withheld >= 0");
            });

        migrationBuilder.CreateTable(
            name: "refused_work",
            columns: table => new
            {
                sequence = table.Column<long>(type: "INTEGER", nullable: false),
                stream_id = table.Column<string>(type: "TEXT", nullable: false),
                window = table.Column<long>(type: "INTEGER", nullable: false),
                account_id = table.Column<string>(type: "TEXT", nullable: false),
                reason = table.Column<int>(type: "INTEGER", nullable: false),
                bytes = table.Column<long>(type: "INTEGER", nullable: false),
                microcredits = table.Column<long>(type: "INTEGER", nullable: false),
                noted_at_ms = table.Column<long>(type: "INTEGER", nullable: false)
            },
            constraints: table => table.PrimaryKey("PK_refused_work", x => x.sequence));
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        foreach (var table in new[] { "deliveries", "pending_transfers", "freezes", "relay_standings", "refused_work" })
            migrationBuilder.DropTable(name: table);
        migrationBuilder.DropIndex(name: "IX_sponsorships_sponsor_number", table: "sponsorships");
        foreach (var column in new[] { "number", "created_at_ms", "max_per_hour", "campaign_ms", "viewer_ms", "to_relays" })
            migrationBuilder.DropColumn(name: column, table: "sponsorships");
    }
}
