using System.Text.Json.Nodes;
using Beacon.Ledger.Journal;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beacon.Ledger.Tests;

public sealed class ChainTests
{
    [Fact]
    public async Task A_running_ledger_proves_itself_and_the_command_says_so()
    {
        await using var rig = await FilledAsync();
        using var output = new StringWriter();
        Assert.Equal(0, LedgerCommand.Run(["verify", rig.Path], output));
        var line = JsonNode.Parse(output.ToString())!;
        Assert.True((bool)line["sound"]!);
        // The treasury, relay issuance, ann, bob and cat; two deposits and three tips.
        Assert.Equal((5, 5L, 5L, "0", 0), ((int)line["accounts"]!, (long)line["batches"]!, (long)line["transfers"]!, (string)line["sum"]!, (int)line["mismatched_accounts"]!));
        Assert.True((bool)line["chain_ok"]! && (bool)line["keys_unique"]! && (bool)line["append_only"]!);
        Assert.Equal(1, output.ToString().AsSpan().Count('\n'));
    }

    [Fact]
    public void The_command_wants_one_file_and_leaves_other_arguments_to_the_service()
    {
        using var output = new StringWriter();
        Assert.Null(LedgerCommand.Run(["--urls", "http://localhost:0"], output));
        Assert.Equal(1, LedgerCommand.Run(["verify"], output));
        Assert.Equal(1, LedgerCommand.Run(["verify", "/nowhere/ledger.db"], output));
        Assert.Contains("There is no file /nowhere/ledger.db", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE transfers SET amount = 11 WHERE sequence = 3", "is not the hash of its rows")]
    [InlineData("UPDATE transfers SET amount = 11 WHERE sequence = 3", "transfer 3 left")]
    [InlineData("UPDATE transfers SET credit = 4, debit = 5 WHERE sequence = 4", "is not the hash of its rows")]
    [InlineData("UPDATE transfers SET transfer_id = randomblob(16) WHERE sequence = 2", "is not the hash of its rows")]
    [InlineData("UPDATE batches SET reference = 'other' WHERE sequence = 3", "is not the hash of its rows")]
    [InlineData("UPDATE batches SET booked_at_ms = booked_at_ms + 1 WHERE sequence = 5", "is not the hash of its rows")]
    [InlineData("UPDATE batches SET batch_id = randomblob(16) WHERE sequence = 4", "is not the hash of its rows")]
    [InlineData("UPDATE accounts SET account_id = 'eve' WHERE account_id = 'bob'", "is not the hash of its rows")]
    [InlineData("UPDATE balances SET balance = balance + 1 WHERE account = 3; UPDATE balances SET balance = balance - 1 WHERE account = 4", "account 3 has 971 and relay earnings of 0, and the journal adds up to 970")]
    [InlineData("UPDATE balances SET balance = balance + 1 WHERE account = 3", "the sum over all balances is 1 instead of zero")]
    [InlineData("DELETE FROM transfers WHERE sequence = 5; DELETE FROM batches WHERE sequence = 5", "ends at account")]
    [InlineData("DELETE FROM chain WHERE link = (SELECT max(link) FROM chain)", "the chain ends at")]
    [InlineData("UPDATE chain SET hash = zeroblob(32) WHERE link = 2", "link 2")]
    [InlineData("INSERT INTO batches SELECT 6, randomblob(16), content, code, actor, reference, window, booked_at_ms, 0, 0 FROM batches WHERE sequence = 5", "the file at 5, 6, 5")]
    [InlineData("INSERT INTO accounts VALUES (6, 'eve', 1, 0, 'eve', 0)", "the file at 6, 5, 5")]
    [InlineData("UPDATE batches SET legs = 2 WHERE sequence = 3", "batch 3 has 1 transfers up to 3, and says 2 up to 3")]
    [InlineData("UPDATE batches SET last_transfer = 4 WHERE sequence = 3", "batch 3 has 1 transfers up to 3, and says 1 up to 4")]
    [InlineData("UPDATE transfers SET debit_before = 2 WHERE sequence = 3", "transfer 3 follows 1 and 0 of accounts 3 and 5, and says 2 and 0")]
    [InlineData("UPDATE transfers SET credit_before = 0 WHERE sequence = 4", "transfer 4 follows 3 and 3 of accounts 3 and 5, and says 3 and 0")]
    [InlineData("UPDATE balances SET last_transfer = 4 WHERE account = 3", "account 3 has 4 transfers up to 5, and says 4 up to 4")]
    [InlineData("UPDATE balances SET transfers = 3 WHERE account = 3", "account 3 has 4 transfers up to 5, and says 3 up to 5")]
    [InlineData("INSERT INTO marks VALUES (3, 1)", "account 3 has other marks than every 128th of its transfers")]
    public async Task Whatever_is_changed_in_the_journal_is_found(string sql, string problem)
    {
        await using var rig = await FilledAsync();
        Assert.True(LedgerProof.Of(rig.Path).IsSound);
        await TamperAsync(rig, sql);
        var proof = LedgerProof.Of(rig.Path);
        Assert.False(proof.IsSound);
        Assert.True(proof.IsAppendOnly);
        Assert.Contains(proof.Problems, found => found.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_without_its_triggers_is_not_sound()
    {
        await using var rig = await FilledAsync();
        await rig.SqlAsync("DROP TRIGGER transfers_no_update; SELECT 0");
        Assert.Equal(["the trigger transfers_no_update is missing"], LedgerProof.Of(rig.Path).Problems);
    }

    [Fact]
    public async Task The_writer_does_not_start_on_rows_that_the_chain_leaves_out()
    {
        var rig = await FilledAsync();
        await rig.SqlAsync("INSERT INTO accounts VALUES (6, 'eve', 1, 0, 'eve', 0); SELECT 0");
        await rig.StopAsync();
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => LedgerRig.StartAsync(rig.Directory));
        Assert.Contains("chain ends at account 5, batch 5, transfer 5; the file at 6, 5, 5", refused.Message, StringComparison.Ordinal);
        Directory.Delete(rig.Directory, recursive: true);
    }

    [Fact]
    public async Task The_writer_does_not_start_on_an_account_without_a_balance()
    {
        var rig = await FilledAsync();
        await TamperAsync(rig, "DELETE FROM balances WHERE account = 4");
        await rig.StopAsync();
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => LedgerRig.StartAsync(rig.Directory));
        Assert.Contains("Account 4 has no balance", refused.Message, StringComparison.Ordinal);
        Directory.Delete(rig.Directory, recursive: true);
    }

    [Fact]
    public async Task A_journal_from_before_the_chain_is_sealed_once_and_goes_on()
    {
        var directory = LedgerRig.NewDirectory();
        var old = await LedgerRig.StartAsync(directory);
        await old.StopAsync();
        File.Delete(old.Path);
        await using (var database = new LedgerDb(new DbContextOptionsBuilder<LedgerDb>().UseSqlite($"Data Source={old.Path}").Options))
            await database.GetService<IMigrator>().MigrateAsync("20260101000000_Initial");
        SqliteConnection.ClearAllPools();
        await old.SqlAsync(
            """
            INSERT INTO accounts VALUES (1, 'ledger:treasury', 3, 1, '', 0, -100, 0), (2, 'ledger:relay-issuance', 4, 1, '', 0, 0, 0), (3, 'ann', 1, 0, 'ann', 0, 100, 0);
            INSERT INTO batches VALUES (1, zeroblob(16), zeroblob(16), 5, 'operator', '', NULL, 7);
            INSERT INTO transfers VALUES (1, zeroblob(16), 1, 1, 3, 100, -100, 100);
            INSERT INTO outbox VALUES (9, 'CreditsEarned', '{}');
            SELECT 0
            """);

        await using var rig = await LedgerRig.StartAsync(directory);
        await rig.StreamAsync("s", "bob");
        Assert.Null((await rig.TipAsync("ann", "s", 10, id: 1)).Refusal);
        var proof = LedgerProof.Of(rig.Path);
        Assert.Empty(proof.Problems);
        Assert.Equal((3L, 2L), (proof.Links, proof.Transfers));
        // The old events stay in the outbox; those of the journal begin after the old transfers, with later numbers.
        Assert.Equal((9, 1), (await rig.SqlAsync("SELECT event_offset FROM outbox_cursor"), await rig.SqlAsync("SELECT published_transfers FROM outbox_cursor")));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_proof_in_slices_finds_what_a_whole_one_finds()
    {
        await using var rig = await FilledAsync();
        Assert.Equal(0, Slices(rig, out var slices).ProblemCount);
        Assert.True(slices > 5, $"{slices} slices of one row");
        await TamperAsync(rig, "UPDATE transfers SET amount = 11 WHERE sequence = 3");
        Assert.Equal(LedgerProof.Of(rig.Path).Problems, Slices(rig, out _).Problems);
    }

    [Fact]
    public async Task The_running_service_proves_itself_and_is_unhealthy_when_it_cannot()
    {
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 1_000);
        var check = host.Services.GetRequiredService<ProofCheck>();
        Assert.True(check.Slice());
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync()).Status);

        await host.SqlAsync("DROP TRIGGER batches_no_update; UPDATE batches SET actor = 'eve'");
        Assert.True(check.Slice());
        var health = await HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Matches("^The journal does not prove itself: link [0-9]+, batches 1 to 1, is not the hash of its rows$", health.Description);

        async Task<HealthReportEntry> HealthAsync() =>
            (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(entry => entry.Name == "ledger", TestContext.Current.CancellationToken)).Entries["ledger"];
    }

    private static async Task<LedgerRig> FilledAsync()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.FundAsync("bob", 500);
        await rig.StreamAsync("s", "cat");
        for (var i = 1; i <= 3; i++)
            Assert.Null((await rig.TipAsync("ann", "s", 10, i)).Refusal);
        return rig;
    }

    private static JournalReplay Slices(LedgerRig rig, out int slices)
    {
        var replay = new JournalReplay();
        for (slices = 1; !Slice(); slices++)
        {
            // The next slice.
        }

        replay.Dispose();
        return replay;

        bool Slice()
        {
            using var journal = rig.Database.OpenJournal();
            return replay.Advance(journal, 1);
        }
    }

    /// <summary>Changes the file as somebody does who knows of the triggers, and puts them back.</summary>
    internal static async Task TamperAsync(LedgerRig rig, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={rig.Path};Pooling=False");
        await connection.OpenAsync();
        var triggers = new List<(string Name, string Sql)>();
        await using var read = connection.CreateCommand();
        read.CommandText = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";
        await using (var row = await read.ExecuteReaderAsync())
        {
            while (await row.ReadAsync())
                triggers.Add((row.GetString(0), row.GetString(1)));
        }

        await using var change = connection.CreateCommand();
#pragma warning disable CA2100 // Texts of the tests.
        change.CommandText = string.Join(';', [.. triggers.Select(trigger => $"DROP TRIGGER {trigger.Name}"), sql, .. triggers.Select(trigger => trigger.Sql)]);
#pragma warning restore CA2100
        await change.ExecuteNonQueryAsync();
    }
}
