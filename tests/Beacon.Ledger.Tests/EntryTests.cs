using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Microsoft.EntityFrameworkCore;

namespace Beacon.Ledger.Tests;

/// <summary>The index from accounts to transfers, which the writer keeps by itself and a little behind.</summary>
public sealed class EntryTests
{
    private const int Relays = SettleWindow.PartRelays;

    [Theory]
    [InlineData(4_711)]
    public async Task Every_transfer_of_an_account_is_found_whether_it_has_entries_or_waits_for_them(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var rig = await LedgerRig.StartAsync();
        var seen = new HashSet<(bool Entered, bool Begun)>();
        for (var window = 1; window <= 6; window++)
        {
            await rig.DoAsync(new SettleWindow("s", "host", window, 10_000, 0, [.. Enumerable.Range(0, Relays).Select(i => new RelayWork($"r{i % (Relays / window):D6}-{i / (Relays / window)}", 1_250 + i))]).Decide);
            await AssertAllFoundAsync(rig, random, seen);
            // In the middle of a run: what it entered is entered again.
            if (window == 3)
                rig = await rig.RestartAsync();
        }

        Assert.Contains((true, true), seen);
        await AssertAllFoundAsync(rig, random, seen);
        Assert.Empty(LedgerProof.Of(rig.Path).Problems);
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task A_quiet_ledger_enters_what_waits_with_the_next_transfer()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "cat");
        for (var tip = 1; tip <= 20; tip++)
            await rig.TipAsync("ann", "s", 1, tip);
        // The deposit was the first, and alone.
        Assert.Equal((1, 2), (await rig.SqlAsync("SELECT through FROM entry_cursor"), await rig.SqlAsync("SELECT count(*) FROM entries")));
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        await rig.TipAsync("ann", "s", 1, 21);
        Assert.Equal((22, 44), (await rig.SqlAsync("SELECT through FROM entry_cursor"), await rig.SqlAsync("SELECT count(*) FROM entries")));
        Assert.Empty(LedgerProof.Of(rig.Path).Problems);
    }

    [Fact]
    public async Task Entries_that_were_thrown_away_are_made_anew()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "cat");
        await rig.TipAsync("ann", "s", 1, 1);
        await rig.SqlAsync("DELETE FROM entries; UPDATE entry_cursor SET through = 0; SELECT 0");
        rig = await rig.RestartAsync();
        await using var _ = rig;
        await rig.TipAsync("ann", "s", 1, 2);
        Assert.Equal((3, 6), (await rig.SqlAsync("SELECT through FROM entry_cursor"), await rig.SqlAsync("SELECT count(*) FROM entries")));
        Assert.Empty(LedgerProof.Of(rig.Path).Problems);
    }

    private static async Task AssertAllFoundAsync(LedgerRig rig, Random random, HashSet<(bool Entered, bool Begun)> seen)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var through = await rig.SqlAsync("SELECT through FROM entry_cursor");
        seen.Add((through > 0, await rig.SqlAsync($"SELECT count(*) FROM entries WHERE transfer > {through}") > 0));
        await using var database = await rig.Databases.CreateDbContextAsync(cancellation);
        var transfers = await database.Transfers.AsNoTracking().ToListAsync(cancellation);
        foreach (var account in Enumerable.Range(0, 20).Select(_ => transfers[random.Next(transfers.Count)]).SelectMany(transfer => new[] { transfer.Debit, transfer.Credit }).Distinct())
        {
            var (one, other) = (random.Next(transfers.Count + 1), random.Next(transfers.Count + 1));
            var (after, to) = (Math.Min(one, other), Math.Max(one, other));
            var own = transfers.Where(transfer => (transfer.Debit == account || transfer.Credit == account) && transfer.Sequence > after && transfer.Sequence <= to).Select(transfer => transfer.Sequence).Order().ToList();
            var count = random.Next(1, 100);
            var first = await (await database.SidesAsync(account, after, to, count, newestFirst: false, cancellation)).Select(transfer => transfer.Sequence).ToListAsync(cancellation);
            var last = await (await database.SidesAsync(account, after, to, count, newestFirst: true, cancellation)).Select(transfer => transfer.Sequence).ToListAsync(cancellation);
            Assert.Equal(own.Take(count), first.Order().Take(count));
            Assert.Equal(own.AsEnumerable().Reverse().Take(count), last.OrderDescending().Take(count));
        }
    }
}
