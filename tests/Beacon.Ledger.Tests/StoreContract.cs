using System.Data.Common;
using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>What every database that keeps the ledger must do; each runs these.</summary>
public abstract class StoreContract
{
    [Fact]
    public async Task Many_tips_at_once_keep_the_total_and_every_floor()
    {
        await using var rig = await StartAsync();
        var people = Enumerable.Range(0, 8).Select(i => $"p{i}").ToArray();
        foreach (var person in people)
        {
            await rig.FundAsync(person, 1_000);
            await rig.StreamAsync($"s-{person}", person);
        }

        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 20; i++)
            {
                var answer = await rig.TipAsync(people[random.Next(8)], $"s-{people[random.Next(8)]}", random.Next(1, 400), 1_000 + (worker * 100) + i);
                Assert.Contains(answer.Refusal?.Reason, new[] { null, "self_tip", "insufficient_credits" });
            }
        })));

        Assert.Equal(8_000, (await Task.WhenAll(people.Select(rig.BalanceAsync))).Sum());
        await rig.AssertSoundAsync();
        Assert.Empty(Proof(rig).Problems);
    }

    [Fact]
    public async Task A_restart_finds_every_balance_and_every_id()
    {
        var rig = await FilledAsync();
        var first = (await rig.TipAsync("ann", "s", 10, id: 1)).Value!;
        rig = await rig.RestartAsync();
        await using var _ = rig;
        var again = (await rig.TipAsync("ann", "s", 10, id: 1)).Value!;
        Assert.Equal((first.Sequence, first.BookedAtMs), (again.Sequence, again.BookedAtMs));
        Assert.Equal(
            first.Transfers.Select(leg => (leg.Id, leg.Debit.Id, leg.Credit.Id, leg.Amount, leg.DebitBalance)),
            again.Transfers.Select(leg => (leg.Id, leg.Debit.Id, leg.Credit.Id, leg.Amount, leg.DebitBalance)));
        Assert.Equal(LedgerErrors.ExistsWithDifferentAmount, (await rig.TipAsync("ann", "s", 11, id: 1)).Refusal);
        Assert.Equal((970, 30), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("cat")));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task The_same_tip_from_many_callers_at_once_is_booked_once()
    {
        await using var rig = await FilledAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => rig.TipAsync("ann", "s", 10, id: 9)));
        Assert.All(answers, answer => Assert.Equal(970, answer.Value!.Transfers[0].DebitBalance));
        Assert.Equal(970, await rig.BalanceAsync("ann"));
    }

    [Fact]
    public async Task A_failed_commit_moves_nothing_is_told_and_heals()
    {
        await using var rig = await FilledAsync();
        await SqlAsync(rig, RefuseThirteen);
        var refused = await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 13, id: 13));
        Assert.Equal("ledger_unavailable", Fault.ReasonOf(refused));
        Assert.Contains("no room", rig.Writer.Trouble, StringComparison.Ordinal);

        Assert.Null((await rig.TipAsync("ann", "s", 12, id: 12)).Refusal);
        Assert.Null(rig.Writer.Trouble);
        Assert.Equal((968, 32), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("cat")));
        await rig.AssertSoundAsync();
        Assert.Empty(Proof(rig).Problems);
    }

    [Theory]
    [InlineData("UPDATE transfers SET amount = amount + 1")]
    [InlineData("DELETE FROM transfers")]
    [InlineData("UPDATE batches SET booked_at_ms = 0")]
    [InlineData("DELETE FROM batches")]
    [InlineData("DELETE FROM accounts")]
    [InlineData("UPDATE accounts SET may_go_negative = NOT may_go_negative")]
    [InlineData("UPDATE balances SET balance = -1 WHERE account = 3")]
    [InlineData("UPDATE balances SET may_go_negative = NOT may_go_negative")]
    [InlineData("UPDATE balances SET account = 99 WHERE account = 3")]
    [InlineData("DELETE FROM balances")]
    [InlineData("UPDATE chain SET last_batch = 1")]
    [InlineData("DELETE FROM chain")]
    [InlineData("UPDATE pending_transfers SET amount = 1")]
    [InlineData("UPDATE pending_transfers SET state = 1")]
    [InlineData("DELETE FROM pending_transfers")]
    [InlineData("UPDATE freezes SET note = ''")]
    [InlineData("DELETE FROM freezes")]
    [InlineData("INSERT INTO transfers SELECT 99, transfer_id, batch, debit, credit, 0, 0, 0 FROM transfers WHERE sequence = 1")]
    [InlineData("INSERT INTO transfers SELECT 99, transfer_id, batch, debit, debit, 1, 0, 0 FROM transfers WHERE sequence = 1")]
    [InlineData("INSERT INTO batches SELECT 99, batch_id, content, code, actor, reference, NULL, 0, 0, 0 FROM batches WHERE sequence = 1")]
    public async Task The_database_itself_refuses_what_a_journal_must_not_allow(string sql)
    {
        await using var rig = await FilledAsync();
        await rig.DoAsync(new RequestWithdrawal("ann", "", 7, LedgerRig.Id(21)).Decide);
        await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(21), LedgerRig.Id(22), PaidOut: false).Decide);
        await rig.DoAsync(new SetFreeze("boss", "bob", Frozen: true, "why").Decide);
        await Assert.ThrowsAnyAsync<DbException>(() => SqlAsync(rig, sql));
        await rig.AssertSoundAsync();
    }

    [Theory]
    [InlineData("UPDATE transfers SET amount = 11 WHERE sequence = 3", "is not the hash of its rows")]
    [InlineData("UPDATE transfers SET amount = 11 WHERE sequence = 3", "transfer 3 left")]
    [InlineData("UPDATE batches SET reference = 'other' WHERE sequence = 3", "is not the hash of its rows")]
    [InlineData("UPDATE accounts SET account_id = 'eve' WHERE account_id = 'bob'", "is not the hash of its rows")]
    [InlineData("UPDATE balances SET balance = balance + 1 WHERE account = 3", "the sum over all balances is 1 instead of zero")]
    [InlineData("DELETE FROM balances WHERE account = 4", "account 4 has no balance")]
    [InlineData("DELETE FROM balances WHERE account = 5", "account 5 has no balance")]
    [InlineData("UPDATE balances SET account = 99 WHERE account = 5", "and no account 99")]
    [InlineData("UPDATE balances SET may_go_negative = NOT may_go_negative WHERE account = 3", "account 3 may not go below zero, and its balance says the opposite")]
    [InlineData("DELETE FROM transfers WHERE sequence = 4", "ends at account")]
    [InlineData("DELETE FROM chain WHERE link = (SELECT max(link) FROM chain)", "the chain ends at")]
    public async Task Whatever_is_changed_in_the_journal_is_found_whole_and_in_slices(string sql, string problem)
    {
        await using var rig = await FilledAsync();
        Assert.Empty(Proof(rig).Problems);
        await TamperAsync(rig, sql);
        var proof = Proof(rig);
        Assert.True(proof.IsAppendOnly);
        Assert.Contains(proof.Problems, found => found.Contains(problem, StringComparison.Ordinal));

        using var slices = new JournalReplay();
        while (!Slice())
        {
            // The next slice.
        }

        Assert.Equal(proof.Problems, slices.Problems);

        bool Slice()
        {
            using var journal = rig.Database.OpenJournal();
            return slices.Advance(journal, 1);
        }
    }

    [Fact]
    public async Task Nothing_is_built_on_rows_that_the_chain_leaves_out()
    {
        await using var rig = await FilledAsync();
        await TamperAsync(rig, "DELETE FROM chain WHERE link = (SELECT max(link) FROM chain)");
        await rig.Writer.StopAsync(TestContext.Current.CancellationToken);
        rig.Writer.Dispose();
        await Assert.ThrowsAsync<InvalidDataException>(() => LedgerRig.StartAsync(rig.Directory, database: rig.Database is LedgerFile ? null : rig.Database));
    }

    [Fact]
    public async Task Holds_freezes_standings_squads_and_sponsorships_survive_a_restart()
    {
        var options = new LedgerOptions { RelayProbationWindows = 2 };
        var rig = await FilledAsync(options);
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(31)).Decide);
        await rig.DoAsync(new SetFreeze("boss", "bob", Frozen: true, "why").Decide);
        await rig.DoAsync(new SetSquad("cat", "s", [new("cat", 6_000), new("bob", 4_000)]).Decide);
        Assert.Null((await rig.DoAsync(new FundSponsorship("ann", "", LedgerRig.Id(32), "s", 200, 60).Decide)).Refusal);
        var settle = new SettleWindow("s", "cat", 7, 10_000, Viewers: 3, [new RelayWork("dan", 125_000, 1)]);
        Assert.Equal(PostingStatus.Posted, await rig.DoAsync(settle.Decide));

        rig = await rig.RestartAsync(options);
        await using var _ = rig;
        Assert.Equal((80, true), await rig.DoAsync(state => (state.Find("ann")!.Available, state.Find("bob")!.IsFrozen)));
        Assert.Equal(new RelayStanding(1, 1_000), await rig.DoAsync(state => state.Standing("dan")));
        Assert.Equal([("cat", 6_000), ("bob", 4_000)], await rig.DoAsync(state => state.Stream("s")!.Squad.Select(share => (share.AccountId, share.ShareBps)).ToList()));
        // 3 viewers for a sixth of a minute at 60.
        var sponsorship = Assert.Single(await rig.DoAsync(state => state.ActiveSponsorships("s")));
        Assert.Equal((200, 30, 30_000), (sponsorship.Budget, sponsorship.Spent, sponsorship.Total.ViewerMs));
        Assert.Equal(PostingStatus.Exists, await rig.DoAsync(settle.Decide));
        Assert.Equal(PostingStatus.Posted, await rig.DoAsync((settle with { Window = 8 }).Decide));
        // The second window ends the probation: both are paid, and the relay's part of the second sponsor money.
        Assert.Equal(2_000 + 9, await rig.BalanceAsync("dan"));
        Assert.Null((await rig.DoAsync(new ResolveWithdrawal("boss", LedgerRig.Id(31), LedgerRig.Id(33), PaidOut: true).Decide)).Refusal);
        await rig.DoAsync(new EndSponsorship("ann", LedgerRig.Id(32)).Decide);
        await rig.DoAsync(state =>
        {
            StreamFacts.Ended(state, "s", "cat", state.NowMs);
            return true;
        });
        Assert.Equal(80 + 140, await rig.BalanceAsync("ann"));
        Assert.False(await rig.DoAsync(state => state.Stream("s")!.IsLive));
        await rig.AssertSoundAsync();
        Assert.Empty(Proof(rig).Problems);
    }

    [Fact]
    public async Task Statements_receipts_and_reports_are_read_from_it()
    {
        await using var rig = await FilledAsync(new LedgerOptions { RelayProbationWindows = 2 });
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(41)).Decide);
        await rig.DoAsync(new SetFreeze("boss", "bob", Frozen: true, "why").Decide);
        await rig.DoAsync(new FundSponsorship("ann", "", LedgerRig.Id(42), "s", 200, 60).Decide);
        await rig.DoAsync(new SettleWindow("s", "cat", 7, 10_000, Viewers: 3, [new RelayWork("dan", 125_000, 1)]).Decide);
        var cancellation = TestContext.Current.CancellationToken;

        var statements = new Statements(rig.Databases);
        var page = await statements.PageAsync("ann", 2, "", cancellation);
        Assert.Equal([5L, 4L], page.Transfers.Select(transfer => transfer.Number));
        Assert.Equal([3L, 1L], (await statements.PageAsync("ann", 2, page.NextPageToken, cancellation)).Transfers.Select(transfer => transfer.Number));
        Assert.Equal([10L, 10L], (await statements.TipsAsync("cat", 10, "", cancellation)).Tips.Select(tip => tip.AmountMicrocredits));
        var statement = await statements.StatementAsync("ann", new Moment(0, 1), default, 10, "", cancellation);
        Assert.Equal((1_000, 780), (statement.OpeningBalanceMicrocredits, statement.ClosingBalanceMicrocredits));
        Assert.Equal([-10L, -10L, -200L], statement.Entries.Select(entry => entry.ChangeMicrocredits));
        Assert.Equal(980, (await statements.BalanceAsync("ann", new Moment(0, 4), cancellation)).BalanceMicrocredits);
        Assert.Equal(780, (await statements.BalanceAsync("ann", new Moment(rig.Clock.GetUtcNow().ToUnixTimeMilliseconds(), 0), cancellation)).BalanceMicrocredits);
        Assert.Equal(Rpc.TransferCode.Tip, (await statements.ReceiptAsync(LedgerRig.Id(100), "ann", all: false, cancellation))!.Code);
        Assert.Null(await statements.ReceiptAsync(LedgerRig.Id(100), "bob", all: false, cancellation));

        var totals = await new OperatorReports(rig.Databases).TotalsAsync(cancellation);
        Assert.Equal((0, 700, 1_000, 6), (totals.SumMicrocredits, totals.HeldMicrocredits, totals.WithheldMicrocredits, totals.AtTransfer));
        Assert.Equal(["why"], (await new OperatorReports(rig.Databases).FreezesAsync(4, cancellation)).Select(entry => entry.Note));
        Assert.Equal([Rpc.RefusalReason.Probation], (await new OperatorReports(rig.Databases).RefusedAsync(new Rpc.ListRefusedWorkRequest { StreamId = "s" }, cancellation)).Work.Select(work => work.Reason));
        Assert.Equal([700L], (await new Withdrawals(rig.Databases, rig.Clock).PageAsync("ann", 10, "", cancellation)).Withdrawals.Select(withdrawal => withdrawal.AmountMicrocredits));
        Assert.Equal([700L], (await new Withdrawals(rig.Databases, rig.Clock).PageAllAsync(PendingState.Pending, 10, "", cancellation)).Withdrawals.Select(withdrawal => withdrawal.AmountMicrocredits));
        Assert.Equal(30, (await new SponsorshipReports(rig.Databases).FindAsync(LedgerRig.Id(42), "ann", cancellation))!.SpentMicrocredits);
        Assert.Equal([30L], (await new SponsorshipReports(rig.Databases).DeliveriesAsync(LedgerRig.Id(42), "ann", 10, "", cancellation))!.Hours.Select(hour => hour.SpentMicrocredits));
        await using var database = await rig.Databases.CreateDbContextAsync(cancellation);
        Assert.Equal(0, await database.Balances.SumAsync(row => row.Balance, cancellation));
        Assert.False(database.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task An_id_from_a_clock_that_is_ahead_is_known_after_a_restart()
    {
        var rig = await FilledAsync();
        var nowMs = rig.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        // The last before the end of the year that a start looks at; beyond it every id is looked up.
        Guid[] ids = [.. new[] { 0, 1, 86_400_000, (366L * 86_400_000) - 1, 366L * 86_400_000, 400L * 86_400_000 }.Select(ahead => Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(nowMs + ahead)))];
        foreach (var id in ids)
            Assert.Null((await rig.DoAsync(new Tip("ann", "ann", "s", 1, id).Decide)).Refusal);
        for (var restart = 0; restart < 2; restart++)
        {
            rig = await rig.RestartAsync();
            foreach (var id in ids)
                Assert.Null((await rig.DoAsync(new Tip("ann", "ann", "s", 1, id).Decide)).Refusal);
            Assert.Equal(980 - ids.Length, await rig.BalanceAsync("ann"));
        }

        await rig.DisposeAsync();
    }

    [Fact]
    public async Task A_ledger_of_a_former_version_is_brought_up_to_date_and_tells_the_same()
    {
        var rig = await FilledAsync();
        await rig.DoAsync(new SetSquad("cat", "s", [new("cat", 6_000), new("bob", 4_000)]).Decide);
        Assert.Null((await rig.TipAsync("ann", "s", 100, 102)).Refusal);
        // Noted by a batch without a transfer.
        await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(41)).Decide);
        Assert.Null((await rig.TipAsync("ann", "s", 10, 103)).Refusal);
        // So many that some have marks.
        await Task.WhenAll(Enumerable.Range(0, History.TransfersPerMark).Select(async i => Assert.Null((await rig.TipAsync("ann", "s", 1, 1_000 + i)).Refusal)));
        foreach (var former in FormerMigrations)
        {
            var told = await TellAsync();
            await using (var database = await rig.Databases.CreateDbContextAsync(TestContext.Current.CancellationToken))
                await database.GetService<IMigrator>().MigrateAsync(former, TestContext.Current.CancellationToken);
            // A backup of then can be proved, too.
            Assert.Empty(Proof(rig).Problems);

            rig = await rig.RestartAsync();
            Assert.Equal(told, await TellAsync());
            Assert.Equal([60L, 40L], (await rig.TipAsync("ann", "s", 100, 102)).Value!.Transfers.Select(leg => leg.Amount));
            Assert.Equal(700, (await rig.DoAsync(new RequestWithdrawal("ann", "", 700, LedgerRig.Id(41)).Decide)).Value!.Amount);
            Assert.Null((await rig.DoAsync(new Tip("ann", "ann", "s", 10, Guid.CreateVersion7(rig.Clock.GetUtcNow())).Decide)).Refusal);
            Assert.Empty(Proof(rig).Problems);
            await rig.AssertSoundAsync();
        }

        await rig.DisposeAsync();

        async Task<string> TellAsync()
        {
            var statements = new Statements(rig.Databases);
            var cancellation = TestContext.Current.CancellationToken;
            return string.Join('\n', Proof(rig).Head, await statements.PageAsync("ann", 100, "", cancellation), await statements.TipsAsync("bob", 100, "", cancellation),
                await statements.StatementAsync("cat", default, default, 100, "", cancellation), await statements.ReceiptAsync(LedgerRig.Id(102), "ann", all: false, cancellation),
                await statements.ReceiptAsync(LedgerRig.Id(41), "ann", all: false, cancellation), string.Join('\n', rig.Database.ReadEvents(100).Events.Select(entry => entry.Event)));
        }
    }

    [Theory]
    [InlineData(4_711)]
    public async Task Every_transfer_of_an_account_is_found_from_any_one_to_any_other(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var rig = await StartAsync(new LedgerOptions { RelayProbationWindows = 0 });
        await rig.FundAsync("ann", 100_000);
        for (var round = 0; round < 3; round++)
        {
            // Some have many transfers, some few; issuance, which has some of all, has more than a page of marks.
            await rig.DoAsync(new SettleWindow("s", "host", round + 1, 10_000, 0, [.. Enumerable.Range(0, 3_000).Select(i => new RelayWork($"r{i}", 1_250 + i))]).Decide);
            await rig.StreamAsync($"s{round}", $"r{round}");
            await Task.WhenAll(Enumerable.Range(0, History.TransfersPerMark + round).Select(i => rig.TipAsync("ann", $"s{random.Next(round + 1)}", 1 + i, (round * 1_000) + i)));
            rig = await rig.RestartAsync();
        }

        Assert.Empty(Proof(rig).Problems);
        var cancellation = TestContext.Current.CancellationToken;
        await using var database = await rig.Databases.CreateDbContextAsync(cancellation);
        var marks = await database.Marks.GroupBy(mark => mark.Account).Select(own => own.Count()).ToListAsync(cancellation);
        Assert.True(marks.Max() >= 70 && marks.Min() == 1, string.Join(' ', marks));
        var transfers = await database.Transfers.AsNoTracking().ToListAsync(cancellation);
        var histories = transfers.SelectMany(transfer => new[] { (Account: transfer.Debit, transfer.Sequence), (Account: transfer.Credit, transfer.Sequence) }).ToLookup(side => side.Account, side => side.Sequence);
        foreach (var history in histories.OrderByDescending(history => history.Count()).Take(8).Append(histories.First(history => history.Count() == 3)))
        {
            for (var i = 0; i < 40; i++)
            {
                var (one, other, count) = (random.Next(transfers.Count + 1), random.Next(transfers.Count + 1), random.Next(1, 400));
                var (after, through) = i switch { 0 => (0L, long.MaxValue), 1 => (history.Max() - 1, history.Max()), 2 => (0L, history.Min() - 1), _ => (Math.Min(one, other), Math.Max(one, other)) };
                var own = history.Where(sequence => sequence > after && sequence <= through).Order().ToList();
                Assert.Equal(own.Take(count), (await FoundAsync(newestFirst: false)).Order().Take(count));
                Assert.Equal(own.AsEnumerable().Reverse().Take(count), (await FoundAsync(newestFirst: true)).OrderDescending().Take(count));

                async Task<List<long>> FoundAsync(bool newestFirst)
                {
                    var found = await (await database.HistoryAsync(history.Key, after, through, count, newestFirst, cancellation)).Select(transfer => transfer.Sequence).ToListAsync(cancellation);
                    // A reader looks through little more than it asked for.
                    Assert.InRange(found.Count, 0, count + (2 * History.TransfersPerMark));
                    return found;
                }
            }
        }

        await rig.DisposeAsync();
    }

    [Fact]
    public async Task Events_follow_from_the_journal_and_the_cursor_moves()
    {
        await using var rig = await FilledAsync();
        var page = rig.Database.ReadEvents(100);
        Assert.Equal((4, true), (page.Through, page.IsLast));
        Assert.Equal([("ann", 1_000L), ("bob", 500L), ("ann", -20L), ("cat", 20L)], page.Events.Select(entry => entry.Event).OfType<CreditsEarned>().OrderBy(moved => moved.Sequence).Select(moved => (moved.AccountId, moved.AmountMicrocredits)));
        Assert.Equal([(10L, "cat"), (10L, "cat")], page.Events.Select(entry => entry.Event).OfType<TipPosted>().Select(tip => (tip.AmountMicrocredits, Assert.Single(tip.RecipientAccountIds))));
        await rig.DoAsync(state => state.Changes.PublishedTransfers = 3);
        Assert.Equal((4, 1), (rig.Database.ReadEvents(100).Through, rig.Database.ReadEvents(100).Events.Select(entry => entry.Event).OfType<TipPosted>().Count()));
        Assert.Equal((4, false), (rig.Database.ReadEvents(1).Through, rig.Database.ReadEvents(1).IsLast));
    }

    /// <summary>Versions of the schema before the present one, latest first.</summary>
    private protected abstract string[] FormerMigrations { get; }

    /// <summary>A trigger that lets no transfer of 13 pass.</summary>
    private protected abstract string RefuseThirteen { get; }

    private protected abstract Task<LedgerRig> StartAsync(LedgerOptions? options = null);

    private protected abstract Task SqlAsync(LedgerRig rig, string sql);

    private protected abstract LedgerProof Proof(LedgerRig rig);

    /// <summary>Changes rows as somebody does who knows of the triggers, and puts them back.</summary>
    private protected abstract Task TamperAsync(LedgerRig rig, string sql);

    /// <summary>Two wallets and a stream that got two tips of 10: four batches of one transfer each, and 980 with ann.</summary>
    private protected async Task<LedgerRig> FilledAsync(LedgerOptions? options = null)
    {
        var rig = await StartAsync(options);
        await rig.FundAsync("ann", 1_000);
        await rig.FundAsync("bob", 500);
        await rig.StreamAsync("s", "cat");
        Assert.Null((await rig.TipAsync("ann", "s", 10, 100)).Refusal);
        Assert.Null((await rig.TipAsync("ann", "s", 10, 101)).Refusal);
        return rig;
    }
}

public sealed class SqliteStoreTests : StoreContract
{
    private protected override string[] FormerMigrations => ["20260601000000_Balances", "20260501000000_Entries", "20260301000000_Operations"];

    private protected override string RefuseThirteen =>
        "CREATE TRIGGER disk_full BEFORE INSERT ON transfers WHEN NEW.amount = 13 BEGIN SELECT RAISE(ABORT, 'no room'); END; SELECT 0";

    private protected override Task<LedgerRig> StartAsync(LedgerOptions? options = null) => LedgerRig.StartAsync(options: options);

    private protected override Task SqlAsync(LedgerRig rig, string sql) => rig.SqlAsync(sql);

    private protected override LedgerProof Proof(LedgerRig rig) => LedgerProof.Of(rig.Path);

    private protected override Task TamperAsync(LedgerRig rig, string sql) => ChainTests.TamperAsync(rig, sql);
}
