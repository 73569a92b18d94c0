using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>A server that goes away in the middle of a stream, and comes back.</summary>
public sealed class RestartScenarios : IAsyncDisposable
{
    private const long Credit = 1_000_000;
    private readonly BeaconServer _server = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Peers_resume_under_their_ids_and_no_credit_is_lost_or_paid_twice(bool killed)
    {
        await _server.StartAsync();
        using var rest = new RestClient(_server.Http);
        var (host, relayGuest, tipper) = (await rest.GuestAsync("Host"), await rest.GuestAsync("Relay"), await rest.GuestAsync("Tipper"));
        var banker = await rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var deposit = new { accountId = tipper.AccountId, amountMicrocredits = 2 * Credit, transferId = Guid.NewGuid() };
        Assert.Equal(200, (await rest.PostAsync("/api/deposits", deposit, banker)).Status);
        var root = await SyntheticPeer.BroadcastAsync(_server, host);
        var viewer = await SyntheticPeer.WatchAsync(_server, relayGuest, root.StreamId);
        await viewer.ParentAsync();
        var tip = new { streamId = root.StreamId, amountMicrocredits = 300_000, transferId = Guid.NewGuid() };
        Assert.Equal(200, (await rest.PostAsync("/api/tip", tip, tipper)).Status);

        if (killed)
            await _server.Process.KillAsync();
        else
            Assert.Equal(0, await _server.Process.StopAsync());
        await root.Socket.ClosedAsync();
        await _server.StartAsync();

        // The same tokens and tickets are good: the keys are in the data directory.
        await using var resumedRoot = await SyntheticPeer.BroadcastAsync(_server, host, resumeTicket: root.ResumeTicket);
        await using var resumedViewer = await SyntheticPeer.WatchAsync(_server, relayGuest, root.StreamId, resumeTicket: viewer.ResumeTicket);
        Assert.Equal((root.StreamId, root.PeerId), (resumedRoot.StreamId, resumedRoot.PeerId));
        Assert.Equal(viewer.PeerId, resumedViewer.PeerId);
        Assert.Equal(root.PeerId, (await resumedViewer.ParentAsync()).ParentPeerId);

        Assert.Equal(300_000, await rest.BalanceAsync(host));
        Assert.Equal(200, (await rest.PostAsync("/api/tip", tip, tipper)).Status);
        Assert.Equal(200, (await rest.PostAsync("/api/deposits", deposit, banker)).Status);
        Assert.Equal(300_000, await rest.BalanceAsync(host));
        Assert.Equal((2 * Credit) - 300_000, await rest.BalanceAsync(tipper));
    }

    [Fact]
    public async Task A_viewer_that_comes_back_before_the_broadcaster_is_told_to_try_again()
    {
        await _server.StartAsync();
        using var rest = new RestClient(_server.Http);
        var guest = await rest.GuestAsync("Early");
        await using var socket = await FrameSocket.ConnectAsync(_server.WebSocket, guest.AccessToken);

        var answer = await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = Guid.NewGuid().ToString() } });

        Assert.Equal("unknown_stream", answer.Error.Reason);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
