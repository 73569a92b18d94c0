using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

public sealed class BackupTests
{
    [Fact]
    public async Task An_operator_backs_up_by_rest_and_the_copy_has_the_same_journal()
    {
        await using var host = await LedgerHost.StartAsync();
        await host.FundAsync("ann", 1_000);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/operator/backups") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", LedgerHost.Token("boss", Scopes.Operator));
        using var http = host.Http;
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var made = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        var path = Path.Combine(host.Directory, "backups", (string)made["name"]!);
        Assert.Equal(new FileInfo(path).Length.ToString(System.Globalization.CultureInfo.InvariantCulture), (string)made["bytes"]!);
        Assert.Equal((string)made["head"]!, LedgerProof.Of(Path.Combine(host.Directory, "ledger.db")).Head);
        Assert.Equal("1", (string)made["transfers"]!);
        // One file: nothing that belongs to it lies beside it.
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public async Task Nobody_else_may()
    {
        await using var host = await LedgerHost.StartAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(() => host.Backups.CreateBackupAsync(new Rpc.CreateBackupRequest(), LedgerHost.As("ann")).ResponseAsync);
        Assert.Equal((StatusCode.PermissionDenied, "operator_only"), (refused.StatusCode, Fault.ReasonOf(refused)));
        refused = await Assert.ThrowsAsync<RpcException>(() => host.Backups.CreateBackupAsync(new Rpc.CreateBackupRequest()).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.False(Directory.Exists(Path.Combine(host.Directory, "backups")));
    }

    [Fact]
    public async Task A_backup_that_was_made_under_load_is_restored_proves_itself_and_goes_on()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 100_000);
        await rig.StreamAsync("s", "bob");
        using var backups = Make(rig, new LedgerOptions());
        var tips = Task.Run(async () =>
        {
            for (var i = 1; i <= 400; i++)
                Assert.Null((await rig.TipAsync("ann", "s", 1, i)).Refusal);
        });
        await rig.TipAsync("ann", "s", 1, 1_000);
        var backup = await backups.MakeAsync(TestContext.Current.CancellationToken);
        await tips;
        Assert.Equal(100_000 - 401, await rig.BalanceAsync("ann"));

        var restored = LedgerRig.NewDirectory();
        File.Copy(Path.Combine(rig.Directory, "backups", backup.Name), Path.Combine(restored, "ledger.db"));
        await using var after = await LedgerRig.StartAsync(restored);
        var proof = LedgerProof.Of(after.Path);
        Assert.Empty(proof.Problems);
        Assert.Equal((backup.Proof.Head, backup.Proof.Transfers), (proof.Head, proof.Transfers));
        Assert.Equal(100_000 - (proof.Transfers - 1), await after.BalanceAsync("ann"));
        // A tip from after the backup is asked again, and booked; one from before is known.
        Assert.Null((await after.TipAsync("ann", "s", 1, 400)).Refusal);
        Assert.Null((await after.TipAsync("ann", "s", 1, 1_000)).Refusal);
        Assert.Null((await after.TipAsync("ann", "s", 5, 2_000)).Refusal);
        await after.AssertSoundAsync();
        Assert.Empty(LedgerProof.Of(after.Path).Problems);
    }

    [Fact]
    public async Task The_oldest_backups_go_and_what_a_crash_left_too()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1);
        using var backups = Make(rig, new LedgerOptions { BackupsKept = 2 });
        var folder = Path.Combine(rig.Directory, "backups");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "ledger-20250101T000000000Z.db.partial"), "half", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "notes.txt"), "mine", TestContext.Current.CancellationToken);
        var made = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            made.Add((await backups.MakeAsync(TestContext.Current.CancellationToken)).Name);
            rig.Clock.Advance(TimeSpan.FromHours(1));
        }

        Assert.Equal([.. made.Skip(1), "notes.txt"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_backup_is_made_on_schedule()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1);
        var clock = new WatchedClock();
        using var backups = Make(rig, new LedgerOptions { BackupMinutes = 60 }, clock);
        await backups.StartAsync(TestContext.Current.CancellationToken);
        await clock.HasTimer.WaitAsync(TestContext.Current.CancellationToken);
        var folder = Path.Combine(rig.Directory, "backups");
        Directory.CreateDirectory(folder);
        using var watcher = new FileSystemWatcher(folder, "ledger-*.db");
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watcher.Renamed += (_, _) => made.TrySetResult();
        watcher.EnableRaisingEvents = true;
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Empty(Directory.GetFiles(folder));
        clock.Advance(TimeSpan.FromMinutes(1));
        await made.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await backups.StopAsync(TestContext.Current.CancellationToken);
        Assert.Empty(LedgerProof.Of(Assert.Single(Directory.GetFiles(folder))).Problems);
    }

    [Fact]
    public async Task A_copy_that_does_not_prove_itself_is_no_backup()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1);
        await rig.SqlAsync("DROP TRIGGER batches_no_update; UPDATE batches SET actor = 'eve'; SELECT 0");
        using var backups = Make(rig, new LedgerOptions());
        var refused = await Assert.ThrowsAsync<RpcException>(() => backups.MakeAsync(TestContext.Current.CancellationToken));
        Assert.Equal("backup_failed", Fault.ReasonOf(refused));
        Assert.Empty(Directory.GetFiles(Path.Combine(rig.Directory, "backups")));
    }

    private static Backups Make(LedgerRig rig, LedgerOptions options, TimeProvider? clock = null) =>
        new(new LedgerFile($"Data Source={rig.Path}"), rig.Metrics, Options.Create(options), clock ?? rig.Clock, NullLogger<Backups>.Instance);

    /// <summary>Tells when somebody waits for it: a service that is started may not have come that far.</summary>
    private sealed class WatchedClock : FakeTimeProvider
    {
        private readonly TaskCompletionSource _timer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HasTimer => _timer.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _timer.TrySetResult();
            return timer;
        }
    }
}
