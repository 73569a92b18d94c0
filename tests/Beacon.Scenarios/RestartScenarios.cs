using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>A server, or all of a cluster's services, that goes away in the middle of a stream and comes back.</summary>
public abstract class RestartScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Peers_resume_under_their_ids_and_no_credit_is_lost_or_paid_twice(bool killed)
    {
        var (host, relayGuest, tipper) = (await Rest.GuestAsync("Host"), await Rest.GuestAsync("Relay"), await Rest.GuestAsync("Tipper"));
        var banker = await Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var deposit = new { accountId = tipper.AccountId, amountMicrocredits = 2 * Credit, transferId = Guid.NewGuid() };
        Assert.Equal(200, (await Rest.PostAsync("/api/deposits", deposit, banker)).Status);
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        await using var viewer = await SyntheticPeer.WatchAsync(Server, relayGuest, root.StreamId);
        await viewer.ParentAsync();
        var tip = new { streamId = root.StreamId, amountMicrocredits = 300_000, transferId = Guid.NewGuid() };
        Assert.Equal(200, (await Rest.PostAsync("/api/tip", tip, tipper)).Status);

        if (killed)
            await Task.WhenAll(Server.Services.Values.Select(service => service.KillAsync()));
        else
            Assert.All(await Task.WhenAll(Server.Services.Values.Select(service => service.StopAsync())), code => Assert.Equal(0, code));
        await root.Socket.ClosedAsync();
        await Server.StartAsync();

        // The same tokens and tickets are good: the keys are in the data directory.
        await using var resumedRoot = await SyntheticPeer.BroadcastAsync(Server, host, resumeTicket: root.ResumeTicket);
        await using var resumedViewer = await SyntheticPeer.WatchAsync(Server, relayGuest, root.StreamId, resumeTicket: viewer.ResumeTicket);
        Assert.Equal((root.StreamId, root.PeerId), (resumedRoot.StreamId, resumedRoot.PeerId));
        Assert.Equal(viewer.PeerId, resumedViewer.PeerId);
        Assert.Equal(root.PeerId, (await resumedViewer.ParentAsync()).ParentPeerId);

        Assert.Equal(300_000, await Rest.BalanceAsync(host));
        Assert.Equal(200, (await Rest.PostAsync("/api/tip", tip, tipper)).Status);
        Assert.Equal(200, (await Rest.PostAsync("/api/deposits", deposit, banker)).Status);
        Assert.Equal(300_000, await Rest.BalanceAsync(host));
        Assert.Equal((2 * Credit) - 300_000, await Rest.BalanceAsync(tipper));
    }
}
