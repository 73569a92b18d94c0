using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>The end of a stream, and where its audience goes.</summary>
public sealed class RaidScenarios(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly BeaconServer _server = fixture.Server;
    private readonly RestClient _rest = fixture.Rest;

    [Fact]
    public async Task A_named_raid_tells_every_viewer_where_to_go_before_the_stream_ends()
    {
        var host = await _rest.GuestAsync("Host");
        await using var target = await SyntheticPeer.BroadcastAsync(_server, await _rest.GuestAsync("Target"), "The other one");
        await using var root = await SyntheticPeer.BroadcastAsync(_server, host);
        await using var viewer = await SyntheticPeer.WatchAsync(_server, await _rest.GuestAsync("Viewer"), root.StreamId);
        await viewer.ParentAsync();

        var ended = await _rest.PostAsync($"/api/streams/{root.StreamId}/end", new { raidTarget = target.StreamId }, host);

        Assert.Equal(200, ended.Status);
        Assert.Equal(target.StreamId, ended.Body.GetProperty("targetStreamId").GetString());
        var next = await viewer.Socket.WaitAsync(frame => frame.Raid is not null || frame.StreamEnded is not null, "raid or end");
        Assert.Equal(target.StreamId, next.Raid?.TargetStreamId);
        Assert.Equal("The other one", next.Raid?.TargetTitle);
        Assert.Equal("ended", (await viewer.Socket.WaitAsync(ServerFrame.FrameOneofCase.StreamEnded)).StreamEnded.Reason);
        Assert.Equal(404, (await _rest.GetAsync($"/api/streams/{root.StreamId}")).Status);
    }

    [Fact]
    public async Task A_stream_that_ends_by_frame_without_a_target_raids_a_live_one()
    {
        await using var target = await SyntheticPeer.BroadcastAsync(_server, await _rest.GuestAsync("Target"));
        await using var root = await SyntheticPeer.BroadcastAsync(_server, await _rest.GuestAsync("Host"));
        await using var viewer = await SyntheticPeer.WatchAsync(_server, await _rest.GuestAsync("Viewer"), root.StreamId);
        await viewer.ParentAsync();

        await root.Socket.SendAsync(new ClientFrame { EndStream = new EndStream { StreamId = root.StreamId } });

        var raid = (await viewer.Socket.WaitAsync(ServerFrame.FrameOneofCase.Raid)).Raid;
        Assert.NotEqual(root.StreamId, raid.TargetStreamId);
        await using var moved = await SyntheticPeer.WatchAsync(_server, await _rest.GuestAsync("Viewer again"), raid.TargetStreamId);
        Assert.NotEmpty((await moved.ParentAsync()).ParentPeerId);
    }

    [Fact]
    public async Task Live_streams_are_listed_and_ended_ones_are_not()
    {
        var host = await _rest.GuestAsync("Lister");
        await using var root = await SyntheticPeer.BroadcastAsync(_server, host, "Listed");

        await ListedAsync(root.StreamId, expected: true);
        Assert.Equal(200, (await _rest.PostAsync($"/api/streams/{root.StreamId}/end", new { raidTarget = "none" }, host)).Status);
        await ListedAsync(root.StreamId, expected: false);
    }

    /// <summary>The directory follows the bus, a moment behind.</summary>
    private async Task ListedAsync(string streamId, bool expected)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 100; i++)
        {
            var list = await _rest.GetAsync("/api/streams?pageSize=200");
            if (list.Text.Contains(streamId, StringComparison.Ordinal) == expected)
                return;
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        Assert.Fail($"After 10 s the stream is {(expected ? "not listed" : "still listed")}.");
    }
}
