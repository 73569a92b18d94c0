using System.Net.WebSockets;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>Each wrong input gets its documented error, and changes nothing.</summary>
public abstract class BadInputScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Theory]
    [InlineData("""{"dance":{}}""", "unknown_frame")]
    [InlineData("""{"requestId":"1"}""", "unknown_frame")]
    [InlineData("{nonsense", "malformed_frame")]
    [InlineData("""{"go-live":{"title":"","bitrateKbps":800}}""", "invalid_frame")]
    [InlineData("""{"go-live":{"title":"t","bitrateKbps":31}}""", "invalid_frame")]
    [InlineData("""{"go-live":{"title":"t","bitrateKbps":50001}}""", "invalid_frame")]
    [InlineData("""{"go-live":{"title":"t","bitrateKbps":800,"maxChildren":5}}""", "invalid_frame")]
    [InlineData("""{"go-live":{"title":"t","bitrateKbps":800,"uplinkMbps":"NaN"}}""", "invalid_frame")]
    [InlineData("""{"go-live":{"title":"t","bitrateKbps":800,"resumeTicket":"forged"}}""", "invalid_resume_ticket")]
    [InlineData("""{"join-stream":{"streamId":"01900000-0000-7000-8000-000000000000"}}""", "unknown_stream")]
    [InlineData("""{"join-stream":{"streamId":"no-uuid"}}""", "invalid_stream_id")]
    [InlineData("""{"join-stream":{"streamId":""}}""", "invalid_frame")]
    [InlineData("""{"leave-stream":{"streamId":"s"}}""", "not_in_stream")]
    [InlineData("""{"signal":{"streamId":"s","peerId":"p","offer":"v=0"}}""", "not_in_stream")]
    [InlineData("""{"metrics-report":{"streamId":"s"}}""", "not_in_stream")]
    [InlineData("""{"chunk-digests":{"streamId":"s"}}""", "not_in_stream")]
    [InlineData("""{"end-stream":{"streamId":"no-such-stream"}}""", "unknown_stream")]
    [InlineData("""{"refresh":{"accessToken":"forged"}}""", "invalid_token")]
    public async Task A_wrong_frame_is_answered_and_the_session_goes_on(string frame, string reason)
    {
        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Wrong")).AccessToken, json: true);

        await socket.SendRawAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text);

        Assert.Equal(reason, (await socket.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        var live = await socket.AskAsync(new ClientFrame { GoLive = new GoLive { Title = "Still here", BitrateKbps = 800 } });
        Assert.NotEmpty(live.StreamLive.StreamId);
    }

    [Theory]
    [InlineData(65_536, true)]
    [InlineData(65_537, false)]
    public async Task A_frame_over_the_limit_closes_the_session(int bytes, bool accepted)
    {
        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Large")).AccessToken, json: true);
        const string Empty = """{"leave-stream":{"streamId":""}}""";
        var frame = Empty.Insert(Empty.Length - 3, new string('x', bytes - Empty.Length));

        await socket.SendRawAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text);

        Assert.Equal(accepted ? "not_in_stream" : "frame_too_large", (await socket.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        if (accepted)
            return;
        await socket.ClosedAsync();
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, socket.CloseStatus);
    }

    [Theory]
    [InlineData(null, "missing_token")]
    [InlineData("forged.token.here", "invalid_token")]
    public async Task A_wrong_token_is_told_and_closed(string? token, string reason)
    {
        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, token);

        Assert.Equal(reason, (await socket.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await socket.ClosedAsync();
        Assert.Equal((WebSocketCloseStatus)4401, socket.CloseStatus);
        var rest = await Rest.SendAsync(HttpMethod.Get, "/api/wallet", null, token);
        Assert.Equal((401, reason), (rest.Status, rest.Reason));
    }

    [Fact]
    public async Task A_token_of_the_services_is_not_a_users_and_the_other_way_round()
    {
        // The service key is not known here; a guest's token must not open an internal call.
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(Server.GrpcOf("topology"));
        var topology = new Beacon.Contracts.Topology.V1.TopologyEdgeService.TopologyEdgeServiceClient(channel);
        var guest = await Rest.GuestAsync("Intruder");

        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => topology.ListLiveStreamsAsync(
            new Beacon.Contracts.Topology.V1.ListLiveStreamsRequest(),
            new Grpc.Core.Metadata { { "authorization", $"Bearer {guest.AccessToken}" } }).ResponseAsync);

        Assert.Equal(Grpc.Core.StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Theory]
    [InlineData("", "invalid_name")]
    [InlineData("   ", "invalid_name")]
    [InlineData("12345678901234567890123456789012345678901", "invalid_name")]
    public async Task A_guest_needs_a_name(string name, string reason)
    {
        var answer = await Rest.PostAsync("/api/auth/guest", new { name });
        Assert.Equal((400, reason), (answer.Status, answer.Reason));
    }

    [Fact]
    public async Task Only_the_operator_key_makes_an_operator_and_only_an_operator_deposits()
    {
        var refused = await Rest.PostAsync("/api/auth/guest", new { name = "Not me", operatorKey = "a wrong operator key" });
        Assert.Equal((403, "invalid_operator_key"), (refused.Status, refused.Reason));

        var guest = await Rest.GuestAsync("Greedy");
        var deposit = await Rest.PostAsync("/api/deposits", new { accountId = guest.AccountId, amountMicrocredits = Credit, transferId = Guid.NewGuid() }, guest);
        Assert.Equal((403, "operator_only"), (deposit.Status, deposit.Reason));
        Assert.Equal(0, await Rest.BalanceAsync(guest));
    }

    [Theory]
    [InlineData("0", "invalid_amount")]
    [InlineData("-1", "invalid_amount")]
    [InlineData("1000000000001", "invalid_amount")]
    [InlineData("9223372036854775807", "invalid_amount")]
    [InlineData("5000001", "insufficient_credits")]
    public async Task A_tip_that_cannot_be_paid_moves_nothing(string amount, string reason)
    {
        var tipper = await RichGuestAsync("Tipper", 5 * Credit);
        var host = await Rest.GuestAsync("Host");
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);

        var answer = await Rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = amount, transferId = Guid.NewGuid() }, tipper);

        Assert.Equal((400, reason), (answer.Status, answer.Reason));
        Assert.Equal(5 * Credit, await Rest.BalanceAsync(tipper));
        Assert.Equal(0, await Rest.BalanceAsync(host));
    }

    [Fact]
    public async Task An_amount_that_is_no_int64_is_refused_before_anything_is_looked_at()
    {
        var tipper = await RichGuestAsync("Tipper", Credit);

        var answer = await Rest.SendAsync(HttpMethod.Post, "/api/tip", """{"streamId":"s","amountMicrocredits":"9223372036854775808","transferId":"t"}""", tipper.AccessToken);

        Assert.Equal(400, answer.Status);
        Assert.Equal(Credit, await Rest.BalanceAsync(tipper));
    }

    [Fact]
    public async Task A_tip_to_an_unknown_stream_or_under_another_content_is_refused()
    {
        var tipper = await RichGuestAsync("Tipper", Credit);
        var unknown = await Rest.PostAsync("/api/tip", new { streamId = Guid.NewGuid(), amountMicrocredits = 1, transferId = Guid.NewGuid() }, tipper);
        Assert.Equal((404, "unknown_stream"), (unknown.Status, unknown.Reason));

        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"));
        var transferId = Guid.NewGuid();
        Assert.Equal(200, (await Rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 10, transferId }, tipper)).Status);
        var other = await Rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 11, transferId }, tipper);
        Assert.Equal((409, "exists_with_different_amount"), (other.Status, other.Reason));
        Assert.Equal(Credit - 10, await Rest.BalanceAsync(tipper));
    }

    [Theory]
    [InlineData(5_000, 4_999, "shares_must_add_up")]
    [InlineData(5_000, 5_001, "shares_must_add_up")]
    public async Task A_squad_whose_shares_do_not_add_up_leaves_the_old_one(int first, int second, string reason)
    {
        var (host, guest) = (await Rest.GuestAsync("Host"), await Rest.GuestAsync("Guest"));
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        var before = await Rest.GetAsync($"/api/streams/{root.StreamId}/squad", host);

        var answer = await Rest.PutAsync($"/api/streams/{root.StreamId}/squad", new
        {
            members = new[] { new { accountId = host.AccountId, shareBps = first }, new { accountId = guest.AccountId, shareBps = second } },
        }, host);

        Assert.Equal((400, reason), (answer.Status, answer.Reason));
        Assert.Equal(before.Text, (await Rest.GetAsync($"/api/streams/{root.StreamId}/squad", host)).Text);
    }

    [Fact]
    public async Task Nobody_sets_or_ends_anothers_stream()
    {
        var (host, other) = (await Rest.GuestAsync("Host"), await Rest.GuestAsync("Other"));
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);

        var squad = await Rest.PutAsync($"/api/streams/{root.StreamId}/squad", new { members = new[] { new { accountId = other.AccountId, shareBps = 10_000 } } }, other);
        Assert.Equal((403, "not_your_stream"), (squad.Status, squad.Reason));
        var end = await Rest.PostAsync($"/api/streams/{root.StreamId}/end", new { }, other);
        Assert.Equal((403, "not_your_stream"), (end.Status, end.Reason));
        Assert.Equal(200, (await Rest.GetAsync($"/api/streams/{root.StreamId}")).Status);
    }

    [Theory]
    [InlineData("/api/streams/{0}")]
    [InlineData("/api/streams/{0}/tree")]
    [InlineData("/api/streams/{0}/peers/p/explain")]
    public async Task An_unknown_stream_is_not_found(string path)
    {
        var answer = await Rest.GetAsync(path.Replace("{0}", Guid.NewGuid().ToString(), StringComparison.Ordinal));
        Assert.Equal((404, "unknown_stream"), (answer.Status, answer.Reason));
    }

    [Fact]
    public async Task Too_many_signals_are_refused_and_the_first_ones_are_not()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"));
        await using var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Chatty"), root.StreamId);
        await viewer.ParentAsync();

        for (var i = 0; i < 1_000; i++)
            await viewer.Socket.SendAsync(new ClientFrame { Signal = new Signal { StreamId = root.StreamId, PeerId = root.PeerId, Candidate = "{}" } });

        Assert.Equal("rate_limited", (await viewer.Socket.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        // What was let through is on its way to another socket: the error may be there before it.
        await root.Socket.WaitAsync(ServerFrame.FrameOneofCase.Signal);
        Assert.InRange(root.Socket.Count(ServerFrame.FrameOneofCase.Signal), 0, 998);
    }

    [Fact]
    public async Task A_session_goes_on_with_a_fresh_token_of_its_account_and_no_other()
    {
        var (guest, other) = (await Rest.GuestAsync("Fresh"), await Rest.GuestAsync("Other"));
        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, guest.AccessToken);
        var refreshed = await Rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.RefreshToken });

        await socket.SendAsync(new ClientFrame { Refresh = new Refresh { AccessToken = refreshed.Body.GetProperty("accessToken").GetString()! } });
        var refused = await socket.AskAsync(new ClientFrame { Refresh = new Refresh { AccessToken = other.AccessToken } });

        Assert.Equal("wrong_account", refused.Error.Reason);
        Assert.Equal(0, socket.Count(ServerFrame.FrameOneofCase.Error));
    }

    [Fact]
    public async Task A_refresh_token_works_once()
    {
        var guest = await Rest.GuestAsync("Fresh");

        var first = await Rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.RefreshToken });
        var second = await Rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.RefreshToken });
        var access = await Rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.AccessToken });

        Assert.Equal(200, first.Status);
        Assert.Equal(guest.AccountId, first.Body.GetProperty("accountId").GetString());
        Assert.Equal((401, "invalid_refresh_token"), (second.Status, second.Reason));
        Assert.Equal((401, "invalid_refresh_token"), (access.Status, access.Reason));
    }
}
