using System.Diagnostics.Metrics;
using Beacon.Contracts.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

public sealed class OutboxTests
{
    private const string Stream = "0195a000-0000-7000-8000-000000000001";

    [Fact]
    public async Task What_was_committed_but_not_published_is_published_after_a_restart()
    {
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync(Stream, "host");
        await rig.TipAsync("ann", Stream, 10, id: 1);
        await rig.StopAsync();

        await using var host = await LedgerHost.StartAsync(rig.Directory);
        // A transfer has two numbers, of what was paid and of what was received; the treasury hears of nothing.
        Assert.Equal(new CreditsEarned(2, "ann", 1_000, 1_000, "deposit", ""), await host.Heard.NextAsync<CreditsEarned>(earned => earned.Sequence == 2));
        Assert.Equal(new CreditsEarned(3, "ann", -10, 990, "tip", Stream), await host.Heard.NextAsync<CreditsEarned>(earned => earned.Sequence == 3));
        Assert.Equal(new CreditsEarned(4, "host", 10, 10, "tip", Stream), await host.Heard.NextAsync<CreditsEarned>(earned => earned.Sequence == 4));
        var tip = await host.Heard.NextAsync<TipPosted>(_ => true);
        Assert.Equal((4, Stream, "ann", "ann", 10), (tip.Sequence, tip.StreamId, tip.FromAccountId, tip.FromName, tip.AmountMicrocredits));
        Assert.Equal(["host"], tip.RecipientAccountIds);
    }

    [Fact]
    public async Task What_the_bus_took_before_a_crash_that_lost_the_cursor_is_published_again()
    {
        var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 100);
        var first = await host.Heard.NextAsync<CreditsEarned>(_ => true);
        await host.StopAsync();
        // As the file was before the publisher noted how far it came.
        await host.SqlAsync("UPDATE outbox_cursor SET published_transfers = 0");

        await using var again = await LedgerHost.StartAsync(host.Directory);
        Assert.Equal(first, await again.Heard.NextAsync<CreditsEarned>(_ => true));
    }

    [Fact]
    public async Task Sequences_go_on_after_everything_was_published_and_the_process_restarted()
    {
        var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 100);
        Assert.Equal(2, (await host.Heard.NextAsync<CreditsEarned>(_ => true)).Sequence);
        await host.StopAsync();

        await using var again = await LedgerHost.StartAsync(host.Directory);
        await again.FundAsync("ann", 50);
        var next = await again.Heard.NextAsync<CreditsEarned>(earned => earned.AmountMicrocredits == 50);
        Assert.Equal((4, 150), (next.Sequence, next.BalanceMicrocredits));
    }

    [Fact]
    public async Task Events_of_one_wallet_come_in_the_order_of_its_balances()
    {
        await using var host = await LedgerHost.StartAsync();
        host.Topology.Broadcasters[Stream] = "host";
        await host.FundAsync("ann", 1_000);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => host.Ledger.TipAsync(
            new Rpc.TipRequest { StreamId = Stream, AmountMicrocredits = 1, TransferId = LedgerRig.Id(i + 1).ToString() }, LedgerHost.As("ann")).ResponseAsync));
        // The consumer works side by side, so the proof is in the numbers: in order of the sequences each event goes on from
        // the balance of the one before, and none is missing. Those that waited together came as one.
        var heard = new List<CreditsEarned>();
        while (heard.Sum(earned => earned.AmountMicrocredits) != 900)
            heard.Add(await host.Heard.NextAsync<CreditsEarned>(earned => earned.AccountId == "ann"));
        heard.Sort((left, right) => left.Sequence.CompareTo(right.Sequence));
        var balance = 0L;
        foreach (var earned in heard)
            Assert.Equal(balance += earned.AmountMicrocredits, earned.BalanceMicrocredits);
        Assert.Equal((1_000, 900), (heard[0].AmountMicrocredits, balance));
    }

    [Fact]
    public async Task Health_tells_of_a_failed_commit_and_of_the_recovery()
    {
        await using var host = await LedgerHost.StartAsync();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());
        var writer = host.Services.GetRequiredService<Journal.LedgerWriter>();
        await Assert.ThrowsAnyAsync<Exception>(async () => await writer.ExecuteAsync<int>(_ => throw new InvalidOperationException("a defect"), waitForRoom: true, CancellationToken.None));
        Assert.Equal(HealthStatus.Unhealthy, await StatusAsync());
        await host.FundAsync("ann", 1);
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());

        async Task<HealthStatus> StatusAsync() => (await health.CheckHealthAsync(check => check.Name == "ledger", TestContext.Current.CancellationToken)).Status;
    }

    [Fact]
    public async Task Work_that_comes_while_the_disk_is_full_is_paid_when_it_is_not()
    {
        await using var host = await LedgerHost.StartAsync();
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, on) =>
        {
            if (instrument.Name == "beacon.ledger.commits.failed" && ReferenceEquals(instrument.Meter.Scope, host.Services.GetRequiredService<IMeterFactory>()))
                on.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => failed.TrySetResult());
        listener.Start();
        await host.SqlAsync("CREATE TRIGGER disk_full BEFORE INSERT ON transfers BEGIN SELECT RAISE(ABORT, 'no room'); END");

        await host.PublishAsync(new RelayWorkVerified(Stream, "host", 1, 10_000, 1, [new VerifiedRelay("r1", 1_250)]));
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, await host.BalanceAsync("r1"));
        await host.SqlAsync("DROP TRIGGER disk_full");
        Assert.Equal(10, (await host.Heard.NextAsync<CreditsEarned>(earned => earned.AccountId == "r1")).BalanceMicrocredits);
    }

    [Theory]
    [InlineData("Data Source=:memory:")]
    [InlineData("Data Source=x.db;Mode=ReadOnly")]
    [InlineData("Mode=ReadWriteCreate")]
    public void A_ledger_that_is_no_writable_file_is_refused_at_start(string connectionString)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:ledger"] = connectionString;
        var refused = Assert.Throws<InvalidOperationException>(() => Journal.LedgerFile.Of(builder));
        Assert.Contains("must name a file", refused.Message, StringComparison.Ordinal);
    }
}
