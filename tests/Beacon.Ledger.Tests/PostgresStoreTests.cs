using System.Text.Json.Nodes;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Journal.Postgres;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Beacon.Testing;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>The contract on a real PostgreSQL, and what only a server can do: several instances, sessions that end.</summary>
public sealed class PostgresStoreTests(PostgresCluster cluster) : StoreContract, IClassFixture<PostgresCluster>
{
    private readonly Dictionary<ILedgerDatabase, string> _connections = [];

    private protected override string[] FormerMigrations => ["20260601000000_Balances", "20260501000000_OwnTransfers", "20260401000000_Initial"];

    private protected override string RefuseThirteen =>
        """
        CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
        CREATE TRIGGER disk_full BEFORE INSERT ON transfers FOR EACH ROW WHEN (NEW.amount = 13) EXECUTE FUNCTION no_room();
        """;

    [Theory]
    [InlineData("TRUNCATE transfers")]
    [InlineData("TRUNCATE accounts")]
    [InlineData("TRUNCATE balances")]
    [InlineData("TRUNCATE chain, batches")]
    public async Task Nothing_is_truncated(string sql)
    {
        await using var rig = await FilledAsync();
        await Assert.ThrowsAsync<PostgresException>(() => SqlAsync(rig, sql));
        Assert.Empty(Proof(rig).Problems);
    }

    [Fact]
    public async Task A_second_instance_refuses_to_write_and_takes_over_when_the_first_is_gone()
    {
        var first = await FilledAsync();
        await using var second = await AlsoAsync(first);
        var refused = await Assert.ThrowsAsync<RpcException>(() => second.TipAsync("ann", "s", 1, 1));
        Assert.Equal((StatusCode.Unavailable, "ledger_standby"), (refused.StatusCode, Fault.ReasonOf(refused)));
        Assert.Contains("stands by", second.Writer.Trouble, StringComparison.Ordinal);
        Assert.Null((await first.TipAsync("ann", "s", 5, 2)).Refusal);

        await first.StopAsync();
        Assert.Null((await second.TipAsync("ann", "s", 1, 1)).Refusal);
        Assert.Null(second.Writer.Trouble);
        // What the first had booked is known: the same again is the same.
        Assert.Equal(975, (await second.TipAsync("ann", "s", 5, 2)).Value!.Transfers[0].DebitBalance);
        Assert.Equal(974, await second.BalanceAsync("ann"));
        await second.AssertSoundAsync();
        Assert.Empty(Proof(second).Problems);
        Directory.Delete(first.Directory, recursive: true);
    }

    [Fact]
    public async Task Whoever_loses_the_session_cannot_write_any_more()
    {
        await using var first = await FilledAsync();
        await using var second = await AlsoAsync(first);
        await Assert.ThrowsAsync<RpcException>(() => second.BalanceAsync("ann"));
        await EndWriterAsync(first);
        Assert.Equal(980, await second.BalanceAsync("ann"));

        // The first does not know yet; its next request finds out, and those after are refused with the reason.
        await Assert.ThrowsAsync<RpcException>(() => first.TipAsync("ann", "s", 1, 1));
        var refused = await Assert.ThrowsAsync<RpcException>(() => first.TipAsync("ann", "s", 1, 1));
        Assert.Equal("ledger_standby", Fault.ReasonOf(refused));
        Assert.Null((await second.TipAsync("ann", "s", 1, 1)).Refusal);
        Assert.Equal(979, await second.BalanceAsync("ann"));
        await second.AssertSoundAsync();
    }

    [Fact]
    public async Task Ids_that_are_looked_up_for_a_group_at_once_are_found_and_not_found_as_one_by_one()
    {
        // Nothing is kept in memory but the latest: every other id is one of the database.
        await using var rig = await FilledAsync(new LedgerOptions { RelayProbationWindows = 0, RecentTransfersKept = 1 });
        var tips = Enumerable.Range(200, 40).Select(i => Tip(i, 1)).ToArray();
        for (var round = 1; round <= 2; round++)
        {
            foreach (var tip in tips)
                Assert.Null((await rig.Writer.ExecuteAsync(tip.Decide, waitForRoom: true, TestContext.Current.CancellationToken, tip.TransferId)).Refusal);
            Assert.Equal(940, await rig.BalanceAsync("ann"));
        }

        var other = Tip(200, 2);
        Assert.Equal(LedgerErrors.ExistsWithDifferentAmount, (await rig.Writer.ExecuteAsync(other.Decide, waitForRoom: true, TestContext.Current.CancellationToken, other.TransferId)).Refusal);
        // A hint that is none changes nothing.
        Assert.Equal(LedgerErrors.ExistsWithDifferentAmount, (await rig.Writer.ExecuteAsync(other.Decide, waitForRoom: true, TestContext.Current.CancellationToken, Guid.NewGuid())).Refusal);
        await rig.AssertSoundAsync();

        static Beacon.Ledger.Operations.Tip Tip(int id, long amount) => new("ann", "ann", "s", amount, LedgerRig.Id(id));
    }

    [Fact]
    public async Task A_session_that_ends_costs_one_answer_and_no_credit()
    {
        await using var rig = await FilledAsync();
        await EndWriterAsync(rig);
        var refused = await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 1, 1));
        Assert.Equal("ledger_unavailable", Fault.ReasonOf(refused));
        Assert.Null((await rig.TipAsync("ann", "s", 1, 1)).Refusal);
        Assert.Equal(979, await rig.BalanceAsync("ann"));
        await rig.AssertSoundAsync();
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_the_server_lost_its_power()
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        var own = new PostgresCluster();
        await using var _ = own;
        await own.InitializeAsync();
        var connection = await own.NewDatabaseAsync();
        await using var rig = await LedgerRig.StartAsync(database: new LedgerServer(connection));
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "cat");
        var acknowledged = 0;
        var load = Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                try
                {
                    await rig.TipAsync("ann", "s", 1, 1_000 + (worker * 10) + (i * 100));
                    Interlocked.Increment(ref acknowledged);
                }
                catch (RpcException)
                {
                    return;
                }

                if (Volatile.Read(ref acknowledged) > 300)
                    return;
            }
        })));
        while (Volatile.Read(ref acknowledged) < 50 && !load.IsCompleted)
            await Task.Yield();
        await own.StopAsync("immediate");
        await load;
        await own.StartAsync();

        NpgsqlConnection.ClearAllPools();
        var left = 1_000 - await BalanceAsync();
        Assert.InRange(left, Volatile.Read(ref acknowledged), 1_000);
        await rig.AssertSoundAsync();
        Assert.Empty(LedgerProof.Of(connection).Problems);

        // The first attempt may meet the session that died with the server.
        async Task<long> BalanceAsync()
        {
            try
            {
                return await rig.BalanceAsync("ann");
            }
            catch (RpcException)
            {
                return await rig.BalanceAsync("ann");
            }
        }
    }

    [Fact]
    public async Task The_command_proves_a_database_and_tells_no_password()
    {
        await using var rig = await FilledAsync();
        using var output = new StringWriter();
        Assert.Equal(0, LedgerCommand.Run(["verify", _connections[rig.Database]], output));
        Assert.True((bool)JsonNode.Parse(output.ToString())!["sound"]!);
        Assert.DoesNotContain("not-asked-for", output.ToString(), StringComparison.Ordinal);
        await SqlAsync(rig, "ALTER TABLE transfers DISABLE TRIGGER transfers_no_update");
        Assert.Equal(["the trigger transfers_no_update is missing"], Proof(rig).Problems);
    }

    [Fact]
    public async Task A_ledger_moves_from_its_file_with_every_row_and_goes_on()
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        var connection = await cluster.NewDatabaseAsync();
        var options = new LedgerOptions { RelayProbationWindows = 2 };
        await using var file = await LedgerRig.StartAsync(options: options);
        await file.FundAsync("ann", 1_000);
        await file.FundAsync("bob", 500);
        await file.StreamAsync("s", "cat");
        await file.DoAsync(new SetSquad("cat", "s", [new("cat", 6_000), new("bob", 4_000)]).Decide);
        var tip = (await file.TipAsync("ann", "s", 101, 1)).Value!;
        await file.DoAsync(new RequestWithdrawal("ann", "", 300, LedgerRig.Id(2)).Decide);
        await file.DoAsync(new SetFreeze("boss", "bob", Frozen: true, "why").Decide);
        await file.DoAsync(new FundSponsorship("ann", "", LedgerRig.Id(3), "s", 200, 60).Decide);
        await file.DoAsync(new SettleWindow("s", "cat", 7, 10_000, Viewers: 3, [new RelayWork("dan", 125_000, 1)]).Decide);
        await file.DoAsync(state => state.Changes.PublishedTransfers = 3);

        using var output = new StringWriter();
        Assert.Equal(1, LedgerCommand.Run(["move", file.Path, connection], output));
        Assert.Contains("Stop the service first", output.ToString(), StringComparison.Ordinal);
        await file.Writer.StopAsync(TestContext.Current.CancellationToken);
        file.Writer.Dispose();
        output.GetStringBuilder().Clear();
        Assert.Equal(0, LedgerCommand.Run(["move", file.Path, connection], output));
        var line = JsonNode.Parse(output.ToString())!;
        Assert.Equal((LedgerProof.Of(file.Path).Head, true), ((string)line["head"]!, (bool)line["sound"]!));
        Assert.Equal("database_not_empty", Assert.Throws<MoveRefusedException>(() => LedgerMove.Run(file.Path, connection)).Reason);

        await using var rig = await LedgerRig.StartAsync(options: options, database: new LedgerServer(connection));
        Assert.Equal(tip.Transfers.Select(leg => (leg.Id, leg.Amount)), (await rig.TipAsync("ann", "s", 101, 1)).Value!.Transfers.Select(leg => (leg.Id, leg.Amount)));
        Assert.Equal((399, true), await rig.DoAsync(state => (state.Find("ann")!.Available, state.Find("bob")!.IsFrozen)));
        Assert.Equal(new RelayStanding(1, 1_000), await rig.DoAsync(state => state.Standing("dan")));
        Assert.Equal(30, Assert.Single(await rig.DoAsync(state => state.ActiveSponsorships("s"))).Spent);
        Assert.Equal(4, rig.Database.ReadEvents(1).Through);
        Assert.Null((await rig.TipAsync("ann", "s", 9, 5)).Refusal);
        await rig.AssertSoundAsync();
        Assert.Empty(LedgerProof.Of(connection).Problems);
    }

    [Fact]
    public async Task A_file_that_is_not_sound_does_not_move_and_a_database_in_use_takes_none()
    {
        await using var rig = await FilledAsync();
        await using var file = await LedgerRig.StartAsync();
        await file.FundAsync("ann", 1_000);
        await file.Writer.StopAsync(TestContext.Current.CancellationToken);
        file.Writer.Dispose();
        Assert.Equal("database_in_use", Assert.Throws<MoveRefusedException>(() => LedgerMove.Run(file.Path, _connections[rig.Database])).Reason);
        await ChainTests.TamperAsync(file, "UPDATE transfers SET amount = 11");
        Assert.Equal("ledger_not_sound", Assert.Throws<MoveRefusedException>(() => LedgerMove.Run(file.Path, _connections[rig.Database])).Reason);
        Assert.Equal("no_ledger", Assert.Throws<MoveRefusedException>(() => LedgerMove.Run("/nowhere/ledger.db", _connections[rig.Database])).Reason);
        Assert.Equal("no_database", Assert.Throws<MoveRefusedException>(() => LedgerMove.Run(file.Path, file.Path)).Reason);
        Assert.Empty(Proof(rig).Problems);
    }

    [Fact]
    public async Task Backups_are_the_databases_own()
    {
        await using var rig = await FilledAsync();
        using var backups = new Backups(rig.Database, rig.Metrics, Options.Create(new LedgerOptions()), rig.Clock, NullLogger<Backups>.Instance);
        var refused = await Assert.ThrowsAsync<RpcException>(() => backups.MakeAsync(TestContext.Current.CancellationToken));
        Assert.Equal((StatusCode.FailedPrecondition, "backups_by_the_database"), (refused.StatusCode, Fault.ReasonOf(refused)));
    }

    [Fact]
    public async Task The_service_as_a_host_composes_it_runs_on_it()
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        var connection = await cluster.NewDatabaseAsync();
        await using var host = await LedgerHost.StartAsync(null, ("ConnectionStrings:ledger", connection));
        host.Topology.Broadcasters["0195a000-0000-7000-8000-000000000001"] = "host";
        await host.FundAsync("ann", 1_000);
        await host.Ledger.TipAsync(
            new Rpc.TipRequest { StreamId = "0195a000-0000-7000-8000-000000000001", AmountMicrocredits = 10, TransferId = LedgerRig.Id(1).ToString() }, LedgerHost.As("ann"));
        Assert.Equal(990, await host.BalanceAsync("ann"));
        Assert.Equal(10, (await host.Heard.NextAsync<Beacon.Contracts.Events.TipPosted>(_ => true)).AmountMicrocredits);
        Assert.False(File.Exists(Path.Combine(host.Directory, "ledger.db")));
    }

    [Fact]
    public async Task A_second_process_starts_when_the_first_is_gone()
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        var connection = await cluster.NewDatabaseAsync();
        var first = await LedgerHost.StartAsync(null, ("ConnectionStrings:ledger", connection));
        var second = LedgerHost.StartAsync(null, ("ConnectionStrings:ledger", connection));
        await first.FundAsync("ann", 1_000);
        Assert.Equal(1_000, await first.BalanceAsync("ann"));
        Assert.False(second.IsCompleted);
        await first.StopAsync();
        await using var host = await second;
        Assert.Equal(1_000, await host.BalanceAsync("ann"));
        await host.FundAsync("ann", 500);
        Assert.Equal(1_500, await host.BalanceAsync("ann"));
        Directory.Delete(first.Directory, recursive: true);
    }

    private protected override async Task<LedgerRig> StartAsync(LedgerOptions? options = null)
    {
        Assert.SkipWhen(cluster.Missing is not null, cluster.Missing ?? "");
        var connection = await cluster.NewDatabaseAsync();
        var rig = await LedgerRig.StartAsync(options: options, database: new LedgerServer(connection));
        _connections[rig.Database] = connection;
        return rig;
    }

    private protected override Task SqlAsync(LedgerRig rig, string sql) => PostgresCluster.ExecuteAsync(_connections[rig.Database], sql);

    private protected override LedgerProof Proof(LedgerRig rig) => LedgerProof.Of(_connections[rig.Database]);

    private protected override Task TamperAsync(LedgerRig rig, string sql) =>
        SqlAsync(rig, $"SET session_replication_role = replica; {sql}");

    /// <summary>Another instance on the same database.</summary>
    private async Task<LedgerRig> AlsoAsync(LedgerRig rig)
    {
        var other = await LedgerRig.StartAsync(database: new LedgerServer(_connections[rig.Database]));
        _connections[other.Database] = _connections[rig.Database];
        return other;
    }

    private Task EndWriterAsync(LedgerRig rig) => SqlAsync(
        rig, "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
}
