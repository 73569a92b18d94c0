using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Postgres.Migrations;

/// <summary>
/// Balances in a table of their own: each change of one writes a whole new row, and this way a short one, which no index
/// has to hear of.
/// </summary>
[DbContext(typeof(PostgresLedgerDb))]
[Migration("20260601000000_Balances")]
internal sealed class Balances : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            name: "balances",
            columns: table => new
            {
                account = table.Column<int>(type: "integer", nullable: false),
                may_go_negative = table.Column<bool>(type: "boolean", nullable: false),
                balance = table.Column<long>(type: "bigint", nullable: false),
                relay_earnings = table.Column<long>(type: "bigint", nullable: false)
            },
            constraints: table =>
            {
                table.PrimaryKey("PK_balances", x => x.account);
                table.CheckConstraint("balance_floor", "may_go_negative OR balance >= 0");
            });
        migrationBuilder.Sql(
            """
            INSERT INTO balances SELECT number, may_go_negative, balance, relay_earnings FROM accounts;
            CREATE TRIGGER balances_no_delete BEFORE DELETE ON balances FOR EACH ROW EXECUTE FUNCTION beacon_refuse('rows are kept for ever');
            CREATE TRIGGER balances_no_truncate BEFORE TRUNCATE ON balances FOR EACH STATEMENT EXECUTE FUNCTION beacon_refuse('rows are kept for ever');
            CREATE TRIGGER balances_identity BEFORE UPDATE ON balances FOR EACH ROW
            WHEN ((OLD.account, OLD.may_go_negative) IS DISTINCT FROM (NEW.account, NEW.may_go_negative)) EXECUTE FUNCTION beacon_refuse('what an account is does not change');
            """);
        migrationBuilder.DropCheckConstraint(name: "balance_floor", table: "accounts");
        migrationBuilder.DropColumn(name: "balance", table: "accounts");
        migrationBuilder.DropColumn(name: "relay_earnings", table: "accounts");
    }

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<long>(name: "balance", table: "accounts", type: "bigint", nullable: false, defaultValue: 0L);
        migrationBuilder.AddColumn<long>(name: "relay_earnings", table: "accounts", type: "bigint", nullable: false, defaultValue: 0L);
        migrationBuilder.Sql("UPDATE accounts SET balance = b.balance, relay_earnings = b.relay_earnings FROM balances b WHERE b.account = accounts.number");
        migrationBuilder.AddCheckConstraint(name: "balance_floor", table: "accounts", sql: "may_go_negative OR balance >= 0");
        migrationBuilder.DropTable(name: "balances");
    }
}
