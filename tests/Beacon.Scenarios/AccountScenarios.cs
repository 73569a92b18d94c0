using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>Signing in, and coming back.</summary>
public abstract class AccountScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Fact]
    public async Task Who_signs_in_is_known_everywhere_under_one_account()
    {
        var guest = await Rest.GuestAsync("Ada");

        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, guest.AccessToken);
        var welcome = (await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome)).Welcome;
        var wallet = await Rest.GetAsync("/api/wallet", guest);
        var settings = await Rest.GetAsync($"/api/channels/{Uri.EscapeDataString(guest.Channel)}/settings", guest);

        Assert.Equal(guest.AccountId, welcome.AccountId);
        Assert.Equal((200, 0), (wallet.Status, wallet.Amount("balanceMicrocredits")));
        Assert.Equal(200, settings.Status);
    }

    [Fact]
    public async Task A_viewer_that_comes_back_within_the_time_of_grace_has_its_id_its_place_and_its_child()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"), maxChildren: 1);
        var guest = await Rest.GuestAsync("Relay");
        var relay = await SyntheticPeer.WatchAsync(Server, guest, root.StreamId);
        await relay.ParentAsync();
        await using var leaf = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Leaf"), root.StreamId);
        Assert.Equal(relay.PeerId, (await leaf.ParentAsync()).ParentPeerId);

        // The second connection is there before the first one is lost: as a client that changes networks.
        await using var resumed = await SyntheticPeer.WatchAsync(Server, guest, root.StreamId, resumeTicket: relay.ResumeTicket);
        await relay.DisposeAsync();

        Assert.Equal(relay.PeerId, resumed.PeerId);
        Assert.Equal(root.PeerId, (await resumed.ParentAsync()).ParentPeerId);
        var child = (await resumed.Socket.WaitAsync(frame => frame.ChildAssigned is { Standby: false }, "the child that it had")).ChildAssigned;
        Assert.Equal(leaf.PeerId, child.ChildPeerId);
    }
}
