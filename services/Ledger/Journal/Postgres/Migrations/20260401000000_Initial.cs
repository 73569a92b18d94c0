using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Postgres.Migrations;

/// <summary>The first schema in PostgreSQL. The journal is append-only by triggers too, so that a mistaken statement of anybody is refused.</summary>
internal sealed partial class Initial : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            name: "accounts",
            columns: table => new
            {
                number = table.Column<int>(type: "integer", nullable: false),
                account_id = table.Column<string>(type: "text", nullable: false),
                kind = table.Column<int>(type: "integer", nullable: false),
                may_go_negative = table.Column<bool>(type: "boolean", nullable: false),
                display_name = table.Column<string>(type: "text", nullable: false),
                opened_at_ms = table.Column<long>(type: "bigint", nullable: false),
                balance = table.Column<long>(type: "bigint", nullable: false),
                relay_earnings = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_accounts", x => x.number);
                table.CheckConstraint("balance_floor", "may_go_negative OR balance >= 0");
            });

        migrationBuilder.CreateTable(
            name: "batches",
            columns: table => new
            {
                sequence = table.Column<long>(type: "bigint", nullable: false),
                batch_id = table.Column<byte[]>(type: "bytea", nullable: false),
                content = table.Column<byte[]>(type: "bytea", nullable: false),
                code = table.Column<int>(type: "integer", nullable: false),
                actor = table.Column<string>(type: "text", nullable: false),
                reference = table.Column<string>(type: "text", nullable: false),
                window = table.Column<long>(type: "bigint", nullable: true),
                booked_at_ms = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_batches", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "chain",
            columns: table => new
            {
                link = table.Column<long>(type: "bigint", nullable: false),
                last_account = table.Column<int>(type: "integer", nullable: false),
                last_batch = table.Column<long>(type: "bigint", nullable: false),
                last_transfer = table.Column<long>(type: "bigint", nullable: false),
                hash = table.Column<byte[]>(type: "bytea", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_chain", x => x.link);
            });

        migrationBuilder.CreateTable(
            name: "deliveries",
            columns: table => new
            {
                sponsorship_id = table.Column<byte[]>(type: "bytea", nullable: false),
                hour = table.Column<long>(type: "bigint", nullable: false),
                viewer_ms = table.Column<long>(type: "bigint", nullable: false),
                spent = table.Column<long>(type: "bigint", nullable: false),
                to_relays = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_deliveries", x => new { x.sponsorship_id, x.hour });
            });

        migrationBuilder.CreateTable(
            name: "freezes",
            columns: table => new
            {
                sequence = table.Column<long>(type: "bigint", nullable: false),
                account = table.Column<int>(type: "integer", nullable: false),
                frozen = table.Column<bool>(type: "boolean", nullable: false),
                actor = table.Column<string>(type: "text", nullable: false),
                note = table.Column<string>(type: "text", nullable: false),
                set_at_ms = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_freezes", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "outbox",
            columns: table => new
            {
                sequence = table.Column<long>(type: "bigint", nullable: false),
                type = table.Column<string>(type: "text", nullable: false),
                payload = table.Column<string>(type: "text", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_outbox", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "outbox_cursor",
            columns: table => new
            {
                id = table.Column<int>(type: "integer", nullable: false),
                published_through = table.Column<long>(type: "bigint", nullable: false),
                published_transfers = table.Column<long>(type: "bigint", nullable: false),
                event_offset = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_outbox_cursor", x => x.id);
                table.CheckConstraint("one_row", "id = 1");
            });

        migrationBuilder.CreateTable(
            name: "pending_transfers",
            columns: table => new
            {
                number = table.Column<long>(type: "bigint", nullable: false),
                pending_id = table.Column<byte[]>(type: "bytea", nullable: false),
                debit = table.Column<int>(type: "integer", nullable: false),
                credit = table.Column<int>(type: "integer", nullable: false),
                amount = table.Column<long>(type: "bigint", nullable: false),
                created_at_ms = table.Column<long>(type: "bigint", nullable: false),
                expires_at_ms = table.Column<long>(type: "bigint", nullable: false),
                state = table.Column<int>(type: "integer", nullable: false),
                resolved_at_ms = table.Column<long>(type: "bigint", nullable: true),
                resolved_by = table.Column<byte[]>(type: "bytea", nullable: true)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_pending_transfers", x => x.number);
                table.CheckConstraint("amount_positive", "amount > 0");
            });

        migrationBuilder.CreateTable(
            name: "refused_work",
            columns: table => new
            {
                sequence = table.Column<long>(type: "bigint", nullable: false),
                stream_id = table.Column<string>(type: "text", nullable: false),
                window = table.Column<long>(type: "bigint", nullable: false),
                account_id = table.Column<string>(type: "text", nullable: false),
                reason = table.Column<int>(type: "integer", nullable: false),
                bytes = table.Column<long>(type: "bigint", nullable: false),
                microcredits = table.Column<long>(type: "bigint", nullable: false),
                noted_at_ms = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_refused_work", x => x.sequence);
            });

        migrationBuilder.CreateTable(
            name: "relay_standings",
            columns: table => new
            {
                account = table.Column<int>(type: "integer", nullable: false),
                good_windows = table.Column<int>(type: "integer", nullable: false),
                withheld = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_relay_standings", x => x.account);
                table.CheckConstraint("withheld_floor", "withheld >= 0");
            });

        migrationBuilder.CreateTable(
            name: "sponsorships",
            columns: table => new
            {
                sponsorship_id = table.Column<byte[]>(type: "bytea", nullable: false),
                stream_id = table.Column<string>(type: "text", nullable: false),
                sponsor = table.Column<string>(type: "text", nullable: false),
                budget = table.Column<long>(type: "bigint", nullable: false),
                spent = table.Column<long>(type: "bigint", nullable: false),
                rate = table.Column<long>(type: "bigint", nullable: false),
                state = table.Column<int>(type: "integer", nullable: false),
                number = table.Column<long>(type: "bigint", nullable: false),
                created_at_ms = table.Column<long>(type: "bigint", nullable: false),
                max_per_hour = table.Column<long>(type: "bigint", nullable: false),
                campaign_ms = table.Column<long>(type: "bigint", nullable: false),
                viewer_ms = table.Column<long>(type: "bigint", nullable: false),
                to_relays = table.Column<long>(type: "bigint", nullable: false)
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
                stream_id = table.Column<string>(type: "text", nullable: false),
                position = table.Column<int>(type: "integer", nullable: false),
                account_id = table.Column<string>(type: "text", nullable: false),
                share_bps = table.Column<int>(type: "integer", nullable: false)
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
                stream_id = table.Column<string>(type: "text", nullable: false),
                broadcaster = table.Column<string>(type: "text", nullable: false),
                started_at_ms = table.Column<long>(type: "bigint", nullable: false),
                ended_at_ms = table.Column<long>(type: "bigint", nullable: true),
                squad_version = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_streams", x => x.stream_id);
            });

        migrationBuilder.CreateTable(
            name: "transfers",
            columns: table => new
            {
                sequence = table.Column<long>(type: "bigint", nullable: false),
                transfer_id = table.Column<byte[]>(type: "bytea", nullable: false),
                batch = table.Column<long>(type: "bigint", nullable: false),
                debit = table.Column<int>(type: "integer", nullable: false),
                credit = table.Column<int>(type: "integer", nullable: false),
                amount = table.Column<long>(type: "bigint", nullable: false),
                debit_balance = table.Column<long>(type: "bigint", nullable: false),
                credit_balance = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_transfers", x => x.sequence);
                table.CheckConstraint("amount_positive", "amount > 0");
                table.CheckConstraint("two_accounts", "debit <> credit");
            });

        migrationBuilder.InsertData(
            table: "outbox_cursor",
            columns: [ "id", "event_offset", "published_through", "published_transfers"],
            values: [1, 0L, 0L, 0L]);

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
            name: "IX_freezes_account",
            table: "freezes",
            column: "account");

        migrationBuilder.CreateIndex(
            name: "IX_pending_transfers_debit",
            table: "pending_transfers",
            column: "debit");

        migrationBuilder.CreateIndex(
            name: "IX_pending_transfers_pending_id",
            table: "pending_transfers",
            column: "pending_id",
            unique: true);

        migrationBuilder.CreateIndex(
            name: "IX_pending_transfers_state",
            table: "pending_transfers",
            column: "state");

        migrationBuilder.CreateIndex(
            name: "IX_sponsorships_sponsor_number",
            table: "sponsorships",
            columns: [ "sponsor", "number"]);

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
            name: "IX_transfers_credit_sequence",
            table: "transfers",
            columns: ["credit", "sequence"]);

        migrationBuilder.CreateIndex(
            name: "IX_transfers_debit_sequence",
            table: "transfers",
            columns: ["debit", "sequence"]);

        migrationBuilder.Sql(
            """
            CREATE FUNCTION beacon_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            """);
        foreach (var table in new[] { "batches", "transfers", "chain", "freezes" })
        {
            foreach (var verb in new[] { "UPDATE", "DELETE" })
                Refuse(table, $"no_{verb.ToLowerInvariant()}", $"BEFORE {verb} ON {table} FOR EACH ROW", "is append-only");
            Refuse(table, "no_truncate", $"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", "is append-only");
        }

        foreach (var table in new[] { "accounts", "pending_transfers" })
        {
            Refuse(table, "no_delete", $"BEFORE DELETE ON {table} FOR EACH ROW", "rows are kept for ever");
            Refuse(table, "no_truncate", $"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", "rows are kept for ever");
        }

        Refuse(
            "accounts",
            "identity",
            "BEFORE UPDATE ON accounts FOR EACH ROW WHEN ((OLD.number, OLD.account_id, OLD.kind, OLD.may_go_negative, OLD.opened_at_ms) IS DISTINCT FROM (NEW.number, NEW.account_id, NEW.kind, NEW.may_go_negative, NEW.opened_at_ms))",
            "what an account is does not change");
        Refuse(
            "pending_transfers",
            "identity",
            "BEFORE UPDATE ON pending_transfers FOR EACH ROW WHEN ((OLD.number, OLD.pending_id, OLD.debit, OLD.credit, OLD.amount, OLD.created_at_ms, OLD.expires_at_ms) IS DISTINCT FROM (NEW.number, NEW.pending_id, NEW.debit, NEW.credit, NEW.amount, NEW.created_at_ms, NEW.expires_at_ms))",
            "what is pending does not change");
        Refuse("pending_transfers", "once", "BEFORE UPDATE ON pending_transfers FOR EACH ROW WHEN (OLD.state <> 1)", "a pending transfer ends once");

        void Refuse(string table, string name, string when, string why) =>
            migrationBuilder.Sql($"CREATE TRIGGER {table}_{name} {when} EXECUTE FUNCTION beacon_refuse('{why}');");
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql("DROP FUNCTION beacon_refuse() CASCADE;");
        migrationBuilder.DropTable(
            name: "accounts");

        migrationBuilder.DropTable(
            name: "batches");

        migrationBuilder.DropTable(
            name: "chain");

        migrationBuilder.DropTable(
            name: "deliveries");

        migrationBuilder.DropTable(
            name: "freezes");

        migrationBuilder.DropTable(
            name: "outbox");

        migrationBuilder.DropTable(
            name: "outbox_cursor");

        migrationBuilder.DropTable(
            name: "pending_transfers");

        migrationBuilder.DropTable(
            name: "refused_work");

        migrationBuilder.DropTable(
            name: "relay_standings");

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
