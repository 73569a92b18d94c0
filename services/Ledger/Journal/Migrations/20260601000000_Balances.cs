using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Beacon.Ledger.Journal.Migrations;

/// <summary>
/// Balances in a table of their own. They change with every group and have short rows; beside ids and names, a group
/// changed, logged and check pointed several times as many pages.
/// </summary>
[DbContext(typeof(LedgerDb))]
[Migration("20260601000000_Balances")]
internal sealed class Balances : Migration
{
    private const string Columns =
        """
            number INTEGER NOT NULL CONSTRAINT PK_accounts PRIMARY KEY,
            account_id TEXT NOT NULL,
            kind INTEGER NOT NULL,
            may_go_negative INTEGER NOT NULL,
            display_name TEXT NOT NULL,
            opened_at_ms INTEGER NOT NULL
        """;

    private const string IndexAndTriggers =
        """
        CREATE UNIQUE INDEX IX_accounts_account_id ON accounts (account_id);
        CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are kept for ever'); END;
        CREATE TRIGGER accounts_identity BEFORE UPDATE OF number, account_id, kind, may_go_negative, opened_at_ms ON accounts BEGIN SELECT RAISE(ABORT, 'what an account is does not change'); END;
        """;

    // SQLite drops no column that a check names: the table is made anew.

    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $"""
        CREATE TABLE balances (
            account INTEGER NOT NULL CONSTRAINT PK_balances PRIMARY KEY,
            may_go_negative INTEGER NOT NULL,
            balance INTEGER NOT NULL,
            relay_earnings INTEGER NOT NULL,
            CONSTRAINT balance_floor CHECK (may_go_negative = 1 OR balance >= 0)
        );
        INSERT INTO balances SELECT number, may_go_negative, balance, relay_earnings FROM accounts ORDER BY number;
        CREATE TRIGGER balances_no_delete BEFORE DELETE ON balances BEGIN SELECT RAISE(ABORT, 'balances are kept for ever'); END;
        CREATE TRIGGER balances_identity BEFORE UPDATE OF account, may_go_negative ON balances BEGIN SELECT RAISE(ABORT, 'what an account is does not change'); END;

        CREATE TABLE accounts_alone (
        {Columns}
        );
        INSERT INTO accounts_alone SELECT number, account_id, kind, may_go_negative, display_name, opened_at_ms FROM accounts ORDER BY number;
        DROP TABLE accounts;
        ALTER TABLE accounts_alone RENAME TO accounts;
        {IndexAndTriggers}
        """);

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $"""
        CREATE TABLE accounts_whole (
        {Columns},
            balance INTEGER NOT NULL,
            relay_earnings INTEGER NOT NULL,
            CONSTRAINT balance_floor CHECK (may_go_negative = 1 OR balance >= 0)
        );
        INSERT INTO accounts_whole
        SELECT a.number, a.account_id, a.kind, a.may_go_negative, a.display_name, a.opened_at_ms, b.balance, b.relay_earnings
        FROM accounts a JOIN balances b ON b.account = a.number ORDER BY a.number;
        DROP TABLE accounts;
        ALTER TABLE accounts_whole RENAME TO accounts;
        {IndexAndTriggers}
        DROP TABLE balances;
        """);
}
