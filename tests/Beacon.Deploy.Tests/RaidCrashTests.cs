using System.Diagnostics;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Deploy.Tests;

/// <summary>The only process of Raids is killed with a raid at each stage and started again: the raid ends once, and its audience is told to go once.</summary>
public sealed class RaidCrashTests(ITestOutputHelper output) : IAsyncDisposable
{
    private Stores? _stores;
    private BeaconCluster? _cluster;
    private RestClient? _rest;

    private BeaconCluster Cluster => _cluster!;

    private RestClient Rest => _rest!;

    public async ValueTask DisposeAsync()
    {
        _rest?.Dispose();
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        if (_stores is not null)
            await _stores.DisposeAsync();
    }

    [Fact]
    public async Task A_raid_outlives_the_crash_of_its_process_while_it_counts_down_and_at_any_moment_of_its_move()
    {
        await StartAsync();
        await using var target = await SyntheticPeer.BroadcastAsync(Cluster, await Rest.GuestAsync("Target"), "The other one");
        await CountsDownAsync(target);
        // From before the first write of the record to after the last.
        foreach (var milliseconds in new[] { 0, 5, 20, 80, 300 })
            await MovesAsync(target, TimeSpan.FromMilliseconds(milliseconds));
    }

    private async Task StartAsync()
    {
        (_stores, var missing) = await Stores.StartAsync();
        Assert.SkipWhen(_stores is null, missing);
        _cluster = new BeaconCluster(_stores!, replicas: 1);
        await _cluster.StartAsync();
        _rest = new RestClient(_cluster.Http);
    }

    private async Task CountsDownAsync(SyntheticPeer target)
    {
        var host = await Rest.GuestAsync("Host");
        await using var root = await SyntheticPeer.BroadcastAsync(Cluster, host);
        await using var viewer = await WatchAsync(root);
        var raid = await Rest.PostAsync("/api/raids", new { fromStreamId = root.StreamId, targetStreamId = target.StreamId, countdownSeconds = 3 }, host);
        Assert.Equal(200, raid.Status);
        await CrashAsync();
        await IsTakenAlongAsync(viewer, target, raid.Body.GetProperty("raid").GetProperty("raidId").GetString()!, announcements: 1);
    }

    private async Task MovesAsync(SyntheticPeer target, TimeSpan after)
    {
        var host = await Rest.GuestAsync("Host");
        await using var root = await SyntheticPeer.BroadcastAsync(Cluster, host);
        await using var viewer = await WatchAsync(root);
        var first = EndAsync(root, target, host);
        await Task.Delay(after, TimeProvider.System, TestContext.Current.CancellationToken);
        await CrashAsync();
        var answer = await first;
        output.WriteLine($"killed after {after.TotalMilliseconds} ms, answered {answer.Status} {answer.Reason}");
        // Who got no answer asks again, as every client does; the raid that was recorded, if there is one, is the answer.
        var began = Stopwatch.GetTimestamp();
        while (answer.Status != 200)
        {
            Assert.True(answer.Status >= 500 && Stopwatch.GetElapsedTime(began) < FrameSocket.Patience, answer.Text);
            answer = await EndAsync(root, target, host);
        }

        await IsTakenAlongAsync(viewer, target, answer.Body.GetProperty("raidId").GetString()!, announcements: 0);
    }

    private async Task<SyntheticPeer> WatchAsync(SyntheticPeer root)
    {
        var viewer = await SyntheticPeer.WatchAsync(Cluster, await Rest.GuestAsync("Viewer"), root.StreamId);
        await viewer.ParentAsync();
        return viewer;
    }

    private Task<RestAnswer> EndAsync(SyntheticPeer root, SyntheticPeer target, Guest host) =>
        Rest.PostAsync($"/api/streams/{root.StreamId}/end", new { raidTarget = target.StreamId }, host);

    private async Task CrashAsync()
    {
        var raids = Cluster.Services["raids-1"];
        await raids.KillAsync();
        await raids.StartAsync();
    }

    private async Task IsTakenAlongAsync(SyntheticPeer viewer, SyntheticPeer target, string raidId, int announcements)
    {
        var moved = (await viewer.Socket.WaitAsync(frame => frame.Raid is { CountdownMs: 0, Cancelled: false } || frame.StreamEnded is not null, "the raid that moves")).Raid;
        if (moved is null)
            Assert.Fail($"It ended without a word of the raid: {(await Rest.GetAsync($"/api/raids/{raidId}")).Text}");
        Assert.Equal((raidId, target.StreamId), (moved.RaidId, moved.TargetStreamId));
        Assert.Equal("ended", (await viewer.Socket.WaitAsync(ServerFrame.FrameOneofCase.StreamEnded)).StreamEnded.Reason);
        var began = Stopwatch.GetTimestamp();
        string phase;
        do
        {
            phase = (await Rest.GetAsync($"/api/raids/{raidId}")).Body.GetProperty("raid").GetProperty("phase").GetString()!;
        }
        while (phase is "RAID_PHASE_MOVING" && Stopwatch.GetElapsedTime(began) < FrameSocket.Patience);
        Assert.Equal("RAID_PHASE_DONE", phase);
        // What nobody has waited for.
        var left = viewer.Socket.TakeAll();
        var raids = left.Where(frame => frame.FrameCase == ServerFrame.FrameOneofCase.Raid).Select(frame => frame.Raid).ToList();
        Assert.Equal(announcements, raids.Count(raid => !raid.Placed));
        // Its place in the target, if the countdown was long enough to give it one.
        Assert.InRange(raids.Count(raid => raid.Placed), 0, announcements);
        Assert.DoesNotContain(left, frame => frame.FrameCase == ServerFrame.FrameOneofCase.StreamEnded);
        Assert.Equal(404, (await Rest.GetAsync($"/api/streams/{viewer.StreamId}")).Status);
    }
}
