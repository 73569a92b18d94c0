using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Ledger.Books;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>Sixteen clients over gRPC who pay each other and withdraw as fast as they can, while others take snapshots.</summary>
public sealed class BankTests
{
    private const int Clients = 16;
    private const long Each = 10_000;

    [Fact]
    public async Task The_total_is_the_same_in_every_snapshot()
    {
        await using var host = await LedgerHost.StartAsync();
        for (var i = 0; i < Clients; i++)
        {
            host.Topology.Broadcasters[StreamOf(i)] = $"c{i}";
            await host.FundAsync($"c{i}", Each);
        }

        var watch = Stopwatch.StartNew();
        bool Goes() => watch.Elapsed < TimeSpan.FromSeconds(5);
        var snapshots = Task.Run(() => SnapshotsAsync(host, Goes));
        var booked = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => ClientAsync(host, client, Goes))));
        var (rpc, file) = await snapshots;
        TestContext.Current.TestOutputHelper?.WriteLine($"{booked.Sum()} requests booked, {rpc} totals by RPC, {file} by file");

        Assert.True(booked.Min() > 0 && rpc > 0 && file > 0, "everybody must have had a turn");
        var totals = await host.Operators.GetTotalsAsync(new(), Boss);
        Assert.Equal(0, totals.SumMicrocredits);
        Assert.Equal(0, totals.HeldMicrocredits);
        // What left the wallets is back in the treasury, to the micro-credit.
        Assert.Equal(-totals.Kinds.Single(kind => kind.Kind == Rpc.AccountKind.Wallet).BalanceMicrocredits, totals.Kinds.Single(kind => kind.Kind == Rpc.AccountKind.Treasury).BalanceMicrocredits);
    }

    /// <summary>The command that is documented, as its own process; its ledger is another, on real ports, and is killed.</summary>
    [Fact]
    public async Task Every_wallet_holds_what_was_answered_although_the_ledger_was_killed()
    {
        using var bank = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [typeof(Benchmarks.Verb).Assembly.Location, "bank", "--seconds", "5", "--kill-seconds", "2", "--json"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
            },
        };
        bank.Start();
        var report = JsonNode.Parse(await bank.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken))!.AsObject();
        await bank.WaitForExitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToJsonString());
        Assert.Equal((16, 0, 0, 0), ((int)report["clients"]!, (int)report["deviations"]!, (int)report["mismatched_accounts"]!, (long)report["sum"]!));
        Assert.True((int)report["kills"]! > 0 && (int)report["repeated"]! > 0 && (int)report["booked"]! > 32 && (int)report["snapshots"]! > 0, report.ToJsonString());
    }

    private static async Task<int> ClientAsync(LedgerHost host, int client, Func<bool> goes)
    {
        var random = new Random(client);
        var me = LedgerHost.As($"c{client}");
        var booked = 0;
        for (var i = 0; goes(); i++)
        {
            var id = new Guid(client, (short)i, (short)0x7000, 0x80, (byte)(i >> 16), 0, 0, 0, 0, 0, 5).ToString();
            try
            {
                if (random.Next(8) == 0)
                    await WithdrawAsync(host, me, id, random);
                else
                    await host.Ledger.TipAsync(new() { StreamId = StreamOf(random.Next(Clients)), AmountMicrocredits = random.Next(1, 4_000), TransferId = id }, me);
                booked++;
            }
            catch (RpcException exception) when (Fault.ReasonOf(exception) is "insufficient_credits" or "self_tip")
            {
                // What a bank says to the poor.
            }
        }

        return booked;
    }

    private static async Task WithdrawAsync(LedgerHost host, Metadata me, string id, Random random)
    {
        await host.Ledger.RequestWithdrawalAsync(new() { WithdrawalId = id, AmountMicrocredits = random.Next(1, 50) }, me);
        var decision = Guid.CreateVersion7().ToString();
        if (random.Next(2) == 0)
            await host.Operators.PostWithdrawalAsync(new() { WithdrawalId = id, TransferId = decision }, Boss);
        else
            await host.Operators.VoidWithdrawalAsync(new() { WithdrawalId = id, TransferId = decision }, Boss);
    }

    private static async Task<(int Rpc, int File)> SnapshotsAsync(LedgerHost host, Func<bool> goes)
    {
        var (rpc, file) = (0, 0);
        while (goes())
        {
            var totals = await host.Operators.GetTotalsAsync(new(), Boss);
            Assert.Equal(0, totals.SumMicrocredits);
            Assert.Equal(0, totals.Kinds.Single(kind => kind.Kind == Rpc.AccountKind.Wallet).BalanceMicrocredits + totals.Kinds.Single(kind => kind.Kind == Rpc.AccountKind.Treasury).BalanceMicrocredits);
            rpc++;
            await using var connection = new SqliteConnection($"Data Source={Path.Combine(host.Directory, "ledger.db")};Pooling=False");
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT sum(balance), min(CASE WHEN may_go_negative = 0 THEN balance ELSE 0 END) FROM balances";
            await using var row = await command.ExecuteReaderAsync();
            Assert.True(await row.ReadAsync());
            Assert.Equal((0, 0), (row.GetInt64(0), Math.Min(0, row.GetInt64(1))));
            file++;
        }

        return (rpc, file);
    }

    private static Metadata Boss => LedgerHost.As("boss", Scopes.Operator);

    private static string StreamOf(int client) => LedgerRig.Id(500 + client).ToString();
}

/// <summary>What went wrong in other ledgers, as cases of this one.</summary>
public sealed class CasesOfOtherLedgersTests
{
    [Fact]
    public async Task Two_payments_into_one_account_at_once_both_arrive()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.StreamAsync("s", "bob");
        foreach (var i in Enumerable.Range(0, 50))
            await rig.FundAsync($"p{i}", 100);
        var tips = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => rig.TipAsync($"p{i}", "s", 100, i + 1))));
        Assert.All(tips, tip => Assert.Null(tip.Refusal));
        Assert.Equal(5_000, await rig.BalanceAsync("bob"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_hold_and_a_tip_at_once_cannot_both_have_the_same_credits()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "bob");
        var hold = rig.DoAsync(new Operations.RequestWithdrawal("ann", "", 60, LedgerRig.Id(1)).Decide);
        var tip = rig.TipAsync("ann", "s", 60, 2);
        Assert.Equal(LedgerErrors.InsufficientCredits, Assert.Single(new[] { (await hold).Refusal, (await tip).Refusal }, refusal => refusal is not null));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task Two_commits_of_one_hold_move_the_credits_once()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100);
        await rig.DoAsync(new Operations.RequestWithdrawal("ann", "", 60, LedgerRig.Id(1)).Decide);
        var posts = await Task.WhenAll(Enumerable.Range(2, 20).Select(i => rig.DoAsync(new Operations.ResolveWithdrawal("boss", LedgerRig.Id(1), LedgerRig.Id(i), PaidOut: true).Decide)));
        Assert.Single(posts, post => post.Refusal is null);
        Assert.Equal(19, posts.Count(post => post.Refusal == LedgerErrors.PendingAlreadyPosted));
        Assert.Equal(40, await rig.BalanceAsync("ann"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task A_tenth_ten_times_is_exactly_one()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000_000);
        await rig.StreamAsync("s", "bob");
        for (var i = 1; i <= 10; i++)
            await rig.TipAsync("ann", "s", 100_000, i);
        Assert.Equal((0, 1_000_000), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
    }

    [Fact]
    public async Task A_split_to_somebody_who_is_not_there_is_refused_when_the_squad_is_set_and_leaves_the_former()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100);
        await rig.StreamAsync("s", "host");
        await rig.OpenAsync("guest");
        await rig.DoAsync(new Operations.SetSquad("host", "s", [new("host", 5_000), new("guest", 5_000)]).Decide);
        Assert.Equal(LedgerErrors.UnknownAccount, (await rig.DoAsync(new Operations.SetSquad("host", "s", [new("host", 5_000), new("ghost", 5_000)]).Decide)).Refusal);
        await rig.TipAsync("ann", "s", 10, 1);
        Assert.Equal((5, 5, 90), (await rig.BalanceAsync("host"), await rig.BalanceAsync("guest"), await rig.BalanceAsync("ann")));
        Assert.Null(await rig.DoAsync(state => state.Find("ghost")));
    }

    [Fact]
    public async Task One_microcredit_over_seven_is_neither_lost_nor_made_seven()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 7);
        await rig.StreamAsync("s", "m0");
        SquadShare[] seven = [.. Enumerable.Range(0, 7).Select(i => new SquadShare($"m{i}", i < 4 ? 1_429 : 1_428))];
        await rig.OpenAsync([.. seven.Select(member => member.AccountId)]);
        await rig.DoAsync(new Operations.SetSquad("m0", "s", seven).Decide);
        for (var i = 1; i <= 7; i++)
            Assert.Single((await rig.TipAsync("ann", "s", 1, i)).Value!.Transfers);
        Assert.Equal(0, await rig.BalanceAsync("ann"));
        Assert.Equal(7, (await Task.WhenAll(seven.Select(member => rig.BalanceAsync(member.AccountId)))).Sum());
        await rig.AssertSoundAsync();
    }
}
