using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Beacon.Ledger.Tests;

public sealed class WriterTests
{
    [Fact]
    public async Task Many_tips_at_once_keep_the_total_and_every_floor()
    {
        await using var rig = await LedgerRig.StartAsync();
        var people = Enumerable.Range(0, 16).Select(i => $"p{i}").ToArray();
        foreach (var person in people)
            await rig.FundAsync(person, 1_000);
        foreach (var person in people)
            await rig.StreamAsync($"s-{person}", person);

        var tips = await Task.WhenAll(Enumerable.Range(0, 64).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            var booked = 0;
            for (var i = 0; i < 50; i++)
            {
                var from = people[random.Next(people.Length)];
                var answer = await rig.TipAsync(from, $"s-{people[random.Next(people.Length)]}", random.Next(1, 400), 1_000 + (worker * 100) + i);
                Assert.Contains(answer.Refusal?.Reason, new[] { null, "self_tip", "insufficient_credits" });
                booked += answer.Refusal is null ? 1 : 0;
            }

            return booked;
        })));

        Assert.InRange(tips.Sum(), 1_000, 3_200);
        Assert.Equal(16_000, (await Task.WhenAll(people.Select(rig.BalanceAsync))).Sum());
        Assert.Equal(tips.Sum() + people.Length, await rig.SqlAsync("SELECT count(*) FROM transfers"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task The_same_tip_from_many_callers_at_once_is_booked_once()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => rig.TipAsync("ann", "s", 10, id: 1)));
        Assert.All(answers, answer => Assert.Equal(990, answer.Value!.Transfers[0].DebitBalance));
        Assert.Equal((990, 10), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
    }

    [Fact]
    public async Task A_restart_finds_every_balance_and_every_id()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        var first = (await rig.TipAsync("ann", "s", 10, id: 1)).Value!;

        rig = await rig.RestartAsync();
        await using var _ = rig;
        var again = (await rig.TipAsync("ann", "s", 10, id: 1)).Value!;
        Assert.Equal((first.Sequence, first.BookedAtMs), (again.Sequence, again.BookedAtMs));
        Assert.Equal(
            first.Transfers.Select(leg => (leg.Id, leg.Debit.Id, leg.Credit.Id, leg.Amount, leg.DebitBalance)),
            again.Transfers.Select(leg => (leg.Id, leg.Debit.Id, leg.Credit.Id, leg.Amount, leg.DebitBalance)));
        Assert.Equal(LedgerErrors.ExistsWithDifferentAmount, (await rig.TipAsync("ann", "s", 11, id: 1)).Refusal);
        Assert.Null((await rig.TipAsync("ann", "s", 5, id: 2)).Refusal);
        Assert.Equal((985, 15), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task What_was_acknowledged_is_in_the_file_of_a_killed_process()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        Assert.Null((await rig.TipAsync("ann", "s", 10, id: 1)).Refusal);

        // The files as they lie there while the writer lives: what a kill -9 leaves.
        var left = LedgerRig.NewDirectory();
        foreach (var file in new[] { "ledger.db", "ledger.db-wal" })
            File.Copy(Path.Combine(rig.Directory, file), Path.Combine(left, file));
        await using var after = await LedgerRig.StartAsync(left);
        Assert.Equal((990, 10), (await after.BalanceAsync("ann"), await after.BalanceAsync("bob")));
        // The client never heard the answer and asks again.
        Assert.Equal(990, (await after.TipAsync("ann", "s", 10, id: 1)).Value!.Transfers[0].DebitBalance);
        Assert.Equal(990, await after.BalanceAsync("ann"));
        await after.AssertSoundAsync();
    }

    [Fact]
    public async Task An_id_that_left_memory_still_refuses_a_second_booking()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { RecentTransfersKept = 1 });
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        await rig.TipAsync("ann", "s", 10, id: 1);
        await rig.TipAsync("ann", "s", 20, id: 2);
        Assert.Equal(990, (await rig.TipAsync("ann", "s", 10, id: 1)).Value!.Transfers[0].DebitBalance);
        Assert.Equal(LedgerErrors.ExistsWithDifferentAmount, (await rig.TipAsync("ann", "s", 20, id: 1)).Refusal);
        Assert.Equal(970, await rig.BalanceAsync("ann"));
    }

    [Fact]
    public async Task A_failed_commit_moves_nothing_is_told_and_heals()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        await rig.SqlAsync("CREATE TRIGGER disk_full BEFORE INSERT ON transfers WHEN NEW.amount = 13 BEGIN SELECT RAISE(ABORT, 'no room'); END; SELECT 0");

        var refused = await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 13, id: 1));
        Assert.Equal((StatusCode.Unavailable, "ledger_unavailable"), (refused.StatusCode, Fault.ReasonOf(refused)));
        Assert.Contains("no room", rig.Writer.Trouble, StringComparison.Ordinal);

        Assert.Null((await rig.TipAsync("ann", "s", 12, id: 2)).Refusal);
        Assert.Null(rig.Writer.Trouble);
        Assert.Equal((988, 12), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
        await rig.AssertSoundAsync();

        await rig.SqlAsync("DROP TRIGGER disk_full; SELECT 0");
        Assert.Null((await rig.TipAsync("ann", "s", 13, id: 1)).Refusal);
        Assert.Equal(975, await rig.BalanceAsync("ann"));
        await rig.AssertSoundAsync();
    }

    [Theory]
    [InlineData("UPDATE transfers SET amount = amount + 1")]
    [InlineData("DELETE FROM transfers")]
    [InlineData("UPDATE batches SET booked_at_ms = 0")]
    [InlineData("DELETE FROM batches")]
    [InlineData("DELETE FROM accounts")]
    [InlineData("UPDATE accounts SET may_go_negative = 1")]
    [InlineData("UPDATE balances SET balance = -1 WHERE account = 3")]
    [InlineData("REPLACE INTO balances VALUES (3, 0, -1, 0)")]
    [InlineData("UPDATE balances SET may_go_negative = 1")]
    [InlineData("DELETE FROM balances")]
    [InlineData("INSERT INTO transfers SELECT 99, transfer_id, batch, debit, credit, 0, 0, 0 FROM transfers")]
    [InlineData("INSERT INTO transfers SELECT 99, transfer_id, batch, debit, debit, 1, 0, 0 FROM transfers")]
    [InlineData("INSERT INTO batches SELECT 99, batch_id, content, code, actor, reference, window, 0, 0, 0 FROM batches")]
    public async Task The_file_itself_refuses_what_a_journal_must_not_allow(string sql)
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await Assert.ThrowsAsync<SqliteException>(() => rig.SqlAsync(sql));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_file_has_one_writer()
    {
        await using var rig = await LedgerRig.StartAsync();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => LedgerRig.StartAsync(rig.Directory));
        Assert.Contains("has one writer", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_queue_refuses_and_changes_nothing()
    {
        await using var rig = await LedgerRig.StartAsync(options: new LedgerOptions { QueueCapacity = 1 });
        using var entered = new SemaphoreSlim(0);
        using var leave = new ManualResetEventSlim();
        var busy = rig.DoAsync(_ =>
        {
            entered.Release();
            leave.Wait();
            return 1;
        });
        await entered.WaitAsync(TestContext.Current.CancellationToken);
        var queued = rig.Writer.ExecuteAsync(_ => 2, waitForRoom: false, TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await rig.Writer.ExecuteAsync(_ => 3, waitForRoom: false, TestContext.Current.CancellationToken));
        Assert.Equal("ledger_busy", Fault.ReasonOf(refused));
        leave.Set();
        Assert.Equal((1, 2), (await busy, await queued));
    }

    [Fact]
    public async Task What_waits_when_the_host_stops_is_committed_and_what_comes_later_refused()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        var waiting = Enumerable.Range(1, 100).Select(i => rig.TipAsync("ann", "s", 1, i)).ToArray();
        await rig.Writer.StopAsync(TestContext.Current.CancellationToken);
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Null(answer.Refusal));
        var refused = await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 1, 101));
        Assert.Equal("ledger_unavailable", Fault.ReasonOf(refused));
        Assert.NotNull(rig.Writer.Trouble);

        rig = await rig.RestartAsync();
        await using var _ = rig;
        Assert.Equal(900, await rig.BalanceAsync("ann"));
    }

    [Fact]
    public async Task The_migrations_describe_the_model()
    {
        await using var rig = await LedgerRig.StartAsync();
        await using var database = await rig.Databases.CreateDbContextAsync();
        Assert.False(database.Database.HasPendingModelChanges());
        Assert.Equal("wal", await ScalarAsync(database, "PRAGMA journal_mode"));
    }

    private static async Task<string?> ScalarAsync(LedgerDb database, string sql)
    {
        await using var command = database.Database.GetDbConnection().CreateCommand();
#pragma warning disable CA2100 // Texts of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        await database.Database.OpenConnectionAsync();
        return (string?)await command.ExecuteScalarAsync();
    }
}
