namespace Beacon.Cli.Tests;

/// <summary>Wallets, and a ledger's way from a backup back to life.</summary>
public sealed class LedgerCommandTests(ServerFixture fixture, PostgresCluster cluster) : IClassFixture<ServerFixture>, IClassFixture<PostgresCluster>
{
    private const long Credit = 1_000_000;

    private string LedgerFile => Path.Combine(fixture.Server.DataDirectory, "ledger.db");

    [Fact]
    public async Task A_wallet_is_shown_to_its_owner_and_to_operators()
    {
        var guest = await fixture.Rest.GuestAsync("Saver");
        await fixture.DepositAsync(guest, 1_234_567);

        Assert.Contains("1.234567", (await fixture.As(guest).RunAsync("wallet")).Text, StringComparison.Ordinal);
        Assert.Equal("1234567", (await fixture.Operator.RunAsync("wallet", guest.AccountId, "--json")).Document.GetProperty("balanceMicrocredits").GetString());
        Assert.Equal("operator_only", (await fixture.As(guest).RunAsync("wallet", guest.AccountId, "--json")).Reason);
        var totals = await fixture.Operator.RunAsync("ledger", "totals", "--json");
        Assert.Equal((0, "0"), (totals.ExitCode, totals.Document.GetProperty("sumMicrocredits").GetString()));
    }

    [Fact]
    public async Task A_ledger_is_proved_copied_while_it_runs_and_restored_when_it_does_not()
    {
        var guest = await fixture.Rest.GuestAsync("Saver");
        await fixture.DepositAsync(guest, Credit);
        var made = await fixture.Operator.RunAsync("ledger", "backup", "--json");
        Assert.Equal(0, made.ExitCode);
        var backup = Path.Combine(fixture.Server.DataDirectory, "backups", made.Document.GetProperty("name").GetString()!);
        await fixture.DepositAsync(guest, Credit);
        Assert.Equal(2 * Credit, await fixture.Rest.BalanceAsync(guest));

        var proof = await fixture.Anybody.RunAsync("ledger", "verify", LedgerFile, "--json");
        Assert.Equal((0, true), (proof.ExitCode, proof.Document.GetProperty("sound").GetBoolean()));
        var watched = await (fixture.Anybody with { IsInteractive = true }).RunAsync("ledger", "verify", LedgerFile);
        Assert.Contains("replaying the journal", watched.Text, StringComparison.Ordinal);
        Assert.Contains("100%", watched.Text, StringComparison.Ordinal);
        var inUse = await fixture.Anybody.RunAsync("ledger", "restore", backup, LedgerFile, "--json");
        Assert.Equal((1, "ledger_in_use"), (inUse.ExitCode, inUse.Reason));
        Assert.Equal(2 * Credit, await fixture.Rest.BalanceAsync(guest));

        await fixture.Server.Process.StopAsync();
        var former = (await fixture.Anybody.RunAsync("ledger", "verify", LedgerFile, "--json")).Document.GetProperty("head").GetString();
        var restored = await fixture.Anybody.RunAsync("ledger", "restore", backup, LedgerFile, "--json");
        Assert.Equal(0, restored.ExitCode);
        Assert.Equal(made.Document.GetProperty("head").GetString(), restored.Document.GetProperty("head").GetString());
        // What the backup does not have is still there.
        var aside = restored.Document.GetProperty("former").GetString()!;
        Assert.Equal(former, (await fixture.Anybody.RunAsync("ledger", "verify", aside, "--json")).Document.GetProperty("head").GetString());

        await fixture.Server.StartAsync();
        Assert.Equal(Credit, await fixture.Rest.BalanceAsync(guest));
    }

    [Fact]
    public async Task A_ledger_moves_to_PostgreSQL_with_its_head_and_not_onto_another_one()
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        await fixture.DepositAsync(await fixture.Rest.GuestAsync("Saver"), Credit);
        var made = (await fixture.Operator.RunAsync("ledger", "backup", "--json")).Document;
        // A copy is a ledger whose service does not run.
        var ledger = Path.Combine(fixture.Server.DataDirectory, "backups", made.GetProperty("name").GetString()!);
        var database = await cluster.NewDatabaseAsync();

        var moved = await fixture.Anybody.RunAsync("ledger", "move", ledger, database, "--json");
        Assert.Equal((0, made.GetProperty("head").GetString()), (moved.ExitCode, moved.Document.GetProperty("head").GetString()));
        Assert.Equal(made.GetProperty("head").GetString(), (await fixture.Anybody.RunAsync("ledger", "verify", database, "--json")).Document.GetProperty("head").GetString());
        Assert.Equal("database_not_empty", (await fixture.Anybody.RunAsync("ledger", "move", ledger, database, "--json")).Reason);
        Assert.Equal("no_database", (await fixture.Anybody.RunAsync("ledger", "move", ledger, ledger, "--json")).Reason);
    }

    [Fact]
    public async Task A_damaged_backup_is_refused_and_nothing_is_touched()
    {
        var folder = Directory.CreateTempSubdirectory("beacon-cli-").FullName;
        try
        {
            var (backup, ledger) = (Path.Combine(folder, "backup.db"), Path.Combine(folder, "ledger.db"));
            var made = await fixture.Operator.RunAsync("ledger", "backup", "--json");
            File.Copy(Path.Combine(fixture.Server.DataDirectory, "backups", made.Document.GetProperty("name").GetString()!), backup);
            var bytes = await File.ReadAllBytesAsync(backup, TestContext.Current.CancellationToken);
            // All pages but the first: what lies in unused room of a page is no damage.
            Array.Fill<byte>(bytes, 0xA5, 4_096, bytes.Length - 4_096);
            await File.WriteAllBytesAsync(backup, bytes, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(ledger, "what was here", TestContext.Current.CancellationToken);

            var refused = await fixture.Anybody.RunAsync("ledger", "restore", backup, ledger, "--json");
            Assert.Equal((1, "backup_not_sound"), (refused.ExitCode, refused.Reason));
            Assert.Equal("what was here", await File.ReadAllTextAsync(ledger, TestContext.Current.CancellationToken));
            Assert.Equal(1, (await fixture.Anybody.RunAsync("ledger", "verify", backup)).ExitCode);
            Assert.Equal("no_backup", (await fixture.Anybody.RunAsync("ledger", "restore", Path.Combine(folder, "none.db"), ledger, "--json")).Reason);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
