using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>What a channel does when its broadcaster is not there.</summary>
public abstract class ChannelScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Fact]
    public async Task An_offline_channel_sends_its_visitors_to_the_first_of_its_list_that_is_live()
    {
        var (owner, offline, friend) = (await Rest.GuestAsync("Owner"), await Rest.GuestAsync("Offline"), await Rest.GuestAsync("Friend"));
        var channel = $"/api/channels/{Uri.EscapeDataString(owner.Channel)}";
        Assert.Equal(200, (await Rest.PutAsync($"{channel}/settings", new { autoHost = "AUTO_HOST_LIST", hostChannels = new[] { offline.Channel, friend.Channel } }, owner)).Status);
        Assert.False((await Rest.GetAsync(channel)).Body.TryGetProperty("host", out _));

        await using var live = await SyntheticPeer.BroadcastAsync(Server, friend);

        // The directory follows the bus, a moment behind.
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var answer = await Rest.GetAsync(channel);
        for (var i = 0; i < 100 && !answer.Body.TryGetProperty("host", out _); i++)
        {
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            answer = await Rest.GetAsync(channel);
        }

        Assert.Equal(live.StreamId, answer.Body.GetProperty("host").GetProperty("streamId").GetString());
        Assert.Equal("auto_host", answer.Body.GetProperty("hostReason").GetString());
    }

    [Fact]
    public async Task A_squad_member_takes_over_the_stream_and_nobody_else_does()
    {
        var (host, heir, other) = (await Rest.GuestAsync("Host"), await Rest.GuestAsync("Heir"), await Rest.GuestAsync("Other"));
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        await using var viewer = await SyntheticPeer.WatchAsync(Server, heir, root.StreamId);
        await viewer.ParentAsync();
        await using var outsider = await SyntheticPeer.WatchAsync(Server, other, root.StreamId);
        await outsider.ParentAsync();
        var members = new[] { new { accountId = host.AccountId, shareBps = 5_000 }, new { accountId = heir.AccountId, shareBps = 5_000 } };
        Assert.Equal(200, (await Rest.PutAsync($"/api/streams/{root.StreamId}/squad", new { members }, host)).Status);

        var refused = await Rest.PostAsync($"/api/streams/{root.StreamId}/handover", new { peerId = outsider.PeerId, uplinkMbps = 20 }, other);
        var handed = await Rest.PostAsync($"/api/streams/{root.StreamId}/handover", new { peerId = viewer.PeerId, uplinkMbps = 20 }, heir);

        Assert.Equal((403, "not_in_squad"), (refused.Status, refused.Reason));
        Assert.Equal(200, handed.Status);
        Assert.Equal(heir.AccountId, handed.Body.GetProperty("broadcasterAccountId").GetString());
        var peers = (await Rest.GetAsync($"/api/streams/{root.StreamId}/tree")).Body.GetProperty("peers").EnumerateArray()
            .ToDictionary(peer => peer.GetProperty("peerId").GetString()!, peer => peer.GetProperty("parentPeerId").GetString());
        Assert.Equal("", peers[viewer.PeerId] ?? "");
        Assert.Equal(viewer.PeerId, peers[outsider.PeerId]);
    }
}
