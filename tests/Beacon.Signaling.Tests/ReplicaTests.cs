using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Signaling.Sessions;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Tests;

/// <summary>Two replicas over one real Redis, with one key between them.</summary>
public sealed class ReplicaTests(RedisFixture redis) : IClassFixture<RedisFixture>, IDisposable
{
    private static readonly string StreamId = Guid.CreateVersion7().ToString();
    private readonly string _dataDirectory = Directory.CreateTempSubdirectory("beacon-replicas-").FullName;
    private readonly Asked _asked = new();

    private Task<SignalingHost> StartAsync() => SignalingHost.StartAsync(redis.ConnectionString, _asked, dataDirectory: _dataDirectory);

    private static async Task<(FrameSocket Socket, StreamJoined Joined)> JoinAsync(SignalingHost host, string token, string resumeTicket = "")
    {
        var socket = await FrameSocket.ConnectAsync(host.WebSocket, token);
        var answer = await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, ResumeTicket = resumeTicket } });
        return (socket, answer.StreamJoined);
    }

    private static PeerDirective Parent(string peerId, long version, string parentId, string parentEdge) =>
        new()
        {
            PeerId = peerId,
            Version = version,
            Kind = DirectiveKind.ParentAssigned,
            Neighbour = new PeerNeighbour { PeerId = parentId, EdgeId = parentEdge },
            Depth = 1,
            Reason = "joined",
        };

    private static ClientFrame Offer(string parentId) => new() { Signal = new Signal { StreamId = StreamId, PeerId = parentId, Offer = "v=0" } };

    [Fact]
    public async Task Signals_cross_between_replicas_along_the_edge_and_nowhere_else()
    {
        RedisFixture.RequireInstalled();
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        var (parent, parentJoined) = await JoinAsync(one, one.Guest().AccessToken);
        var (child, childJoined) = await JoinAsync(two, two.Guest().AccessToken);
        var (outsider, _) = await JoinAsync(two, two.Guest().AccessToken);
        await two.TellAsync(StreamId, Parent(childJoined.PeerId, 1, parentJoined.PeerId, one.EdgeId));
        var ticket = (await child.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned)).ParentAssigned.Ticket;

        await child.SendAsync(new ClientFrame { Signal = new Signal { StreamId = StreamId, PeerId = parentJoined.PeerId, Offer = "v=0", Ticket = ticket } });
        var offer = (await parent.WaitAsync(ServerFrame.FrameOneofCase.Signal)).Signal;
        await parent.SendAsync(new ClientFrame { Signal = new Signal { StreamId = StreamId, PeerId = childJoined.PeerId, Answer = "v=1" } });
        var answer = (await child.WaitAsync(ServerFrame.FrameOneofCase.Signal)).Signal;
        var refused = await outsider.AskAsync(new ClientFrame { Signal = new Signal { StreamId = StreamId, PeerId = childJoined.PeerId, Answer = "v=2" } });

        Assert.Equal((childJoined.PeerId, "v=0", ticket), (offer.PeerId, offer.Offer, offer.Ticket));
        Assert.Equal((parentJoined.PeerId, "v=1"), (answer.PeerId, answer.Answer));
        Assert.Equal("not_a_neighbour", refused.Error.Reason);
        Assert.Equal(0, child.Count(ServerFrame.FrameOneofCase.Signal));
        foreach (var socket in new[] { parent, child, outsider })
            await socket.DisposeAsync();
    }

    [Fact]
    public async Task A_signal_to_a_replica_that_is_gone_is_answered_and_holds_up_nothing()
    {
        RedisFixture.RequireInstalled();
        await using var two = await StartAsync();
        var (child, childJoined) = await JoinAsync(two, two.Guest().AccessToken);
        await two.TellAsync(StreamId, Parent(childJoined.PeerId, 1, "parent", "nowhere"));
        await child.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned);

        var error = (await child.AskAsync(Offer("parent"))).Error;

        Assert.Equal(("neighbour_gone", true), (error.Reason, error.Retryable));
        await child.DisposeAsync();
    }

    [Fact]
    public async Task While_Redis_stands_still_sessions_go_on_and_signals_come_late()
    {
        RedisFixture.RequireInstalled();
        await using var slow = new RedisServer(Ports.Free(), keepsData: false);
        await slow.StartAsync();
        // Nothing times out in this test: what waits, waits for Redis.
        await using var one = await SignalingHost.StartAsync($"{slow.ConnectionString},asyncTimeout=300000", _asked, dataDirectory: _dataDirectory);
        await using var two = await SignalingHost.StartAsync($"{slow.ConnectionString},asyncTimeout=300000", _asked, dataDirectory: _dataDirectory);
        var (parent, parentJoined) = await JoinAsync(one, one.Guest().AccessToken);
        var (child, childJoined) = await JoinAsync(two, two.Guest().AccessToken);
        await two.TellAsync(StreamId, Parent(childJoined.PeerId, 1, parentJoined.PeerId, one.EdgeId));
        await child.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned);

        await slow.PauseAsync();
        await child.SendAsync(Offer(parentJoined.PeerId));
        var fence = await child.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } });
        await slow.ContinueAsync();

        Assert.Equal("not_in_stream", fence.Error.Reason);
        Assert.Equal("v=0", (await parent.WaitAsync(ServerFrame.FrameOneofCase.Signal)).Signal.Offer);
        await child.DisposeAsync();
        await parent.DisposeAsync();
    }

    [Fact]
    public async Task Without_Redis_a_signal_to_another_replica_is_refused_and_the_session_stays()
    {
        RedisFixture.RequireInstalled();
        await using var lost = new RedisServer(Ports.Free(), keepsData: false);
        await lost.StartAsync();
        await using var two = await SignalingHost.StartAsync($"{lost.ConnectionString},asyncTimeout=500", _asked, dataDirectory: _dataDirectory);
        var (child, childJoined) = await JoinAsync(two, two.Guest().AccessToken);
        await two.TellAsync(StreamId, Parent(childJoined.PeerId, 1, "parent", "elsewhere"));
        await child.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned);

        await lost.KillAsync();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var error = (await child.AskAsync(Offer("parent"))).Error;
            Assert.Equal(("service_unavailable", true), (error.Reason, error.Retryable));
        }

        var fence = await child.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } });
        Assert.Equal("not_in_stream", fence.Error.Reason);
        await child.DisposeAsync();
    }

    [Fact]
    public async Task A_parent_on_another_replica_gets_the_tickets_that_it_takes()
    {
        RedisFixture.RequireInstalled();
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        await using var parent = await FrameSocket.ConnectAsync(one.WebSocket, one.Guest().AccessToken);
        var parentJoined = (await parent.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, TicketMac = true } })).StreamJoined;
        Assert.True(Assert.Single(_asked.Joins).Peer.TicketMac);
        var welcome = (await parent.WaitAsync(ServerFrame.FrameOneofCase.Welcome)).Welcome;
        var (child, childJoined) = await JoinAsync(two, two.Guest().AccessToken);

        foreach (var (version, takesKeyed) in new[] { (1, true), (2, false) })
        {
            var told = Parent(childJoined.PeerId, version, parentJoined.PeerId, one.EdgeId);
            told.Neighbour.TicketMac = takesKeyed;
            await two.TellAsync(StreamId, told);
            var ticket = (await child.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned)).ParentAssigned.Ticket;
            SecurityKey key = takesKeyed ? new SymmetricSecurityKey(parentJoined.TicketKey.ToByteArray()) : new JsonWebKey(welcome.TicketKeyJwk);
            var read = await new JsonWebTokenHandler().ValidateTokenAsync(ticket, new TokenValidationParameters
            {
                IssuerSigningKey = key,
                ValidAlgorithms = [takesKeyed ? "HS256" : "ES256"],
                ValidateIssuer = false,
                ValidateAudience = false,
            });
            Assert.True(read.IsValid, read.Exception?.Message);
        }

        await child.DisposeAsync();
    }

    [Fact]
    public async Task The_peers_of_a_replica_that_dies_go_on_at_another_under_their_ids_and_were_never_reported_gone()
    {
        RedisFixture.RequireInstalled();
        await using var dying = await StartAsync();
        await using var other = await StartAsync();
        var guest = dying.Guest();
        var (before, joined) = await JoinAsync(dying, guest.AccessToken);
        await dying.TellAsync(StreamId, Parent(joined.PeerId, 1, "parent", other.EdgeId));
        await before.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned);

        await dying.AbortAsync();
        await before.ClosedAsync();
        var (after, again) = await JoinAsync(other, guest.AccessToken, joined.ResumeTicket);
        await other.TellAsync(StreamId, Parent(joined.PeerId, 1, "parent", other.EdgeId));
        var assigned = (await after.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned)).ParentAssigned;
        // A fence: whatever the dying replica still had to say came before this.
        await after.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } });
        await after.SendAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = StreamId } });

        Assert.Equal(joined.PeerId, again.PeerId);
        Assert.Equal("parent", assigned.ParentPeerId);
        Assert.Equal([dying.EdgeId, other.EdgeId], _asked.Joins.Select(join => join.Peer.EdgeId));
        Assert.Equal([joined.PeerId, joined.PeerId], _asked.Joins.Select(join => join.Peer.PeerId));
        Assert.Equal(joined.PeerId, await _asked.NextLeaveAsync());
        Assert.Equal(0, other.Get<Edge>().SeatCount);
        await before.DisposeAsync();
        await after.DisposeAsync();
    }

    [Fact]
    public async Task A_revocation_at_one_replica_ends_the_session_at_another_and_no_other_session()
    {
        RedisFixture.RequireInstalled();
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        var (bad, good) = (two.Guest("Bad"), two.Guest("Good"));
        await using var ended = await FrameSocket.ConnectAsync(two.WebSocket, bad.AccessToken);
        await using var goingOn = await FrameSocket.ConnectAsync(two.WebSocket, good.AccessToken);
        await ended.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        using var rest = new RestClient(one.Http);
        var banker = await rest.GuestAsync("Operator", SignalingHost.OperatorKey);

        var notAllowed = await rest.SendAsync(HttpMethod.Post, "/api/auth/revoke", new { accountId = good.AccountId }, bad.AccessToken);
        var nothing = await rest.PostAsync("/api/auth/revoke", new { }, banker);
        var revoked = await rest.PostAsync("/api/auth/revoke", new { accountId = bad.AccountId }, banker);

        Assert.Equal((403, "missing_scope"), (notAllowed.Status, notAllowed.Reason));
        Assert.Equal((400, "invalid_revocation"), (nothing.Status, nothing.Reason));
        Assert.Equal(200, revoked.Status);
        Assert.Equal("token_revoked", (await ended.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await ended.ClosedAsync();
        Assert.Equal((System.Net.WebSockets.WebSocketCloseStatus)4401, ended.CloseStatus);
        Assert.Equal("not_in_stream", (await goingOn.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "s" } })).Error.Reason);
        var call = await rest.SendAsync(HttpMethod.Get, "/api/ice-servers", null, bad.AccessToken);
        Assert.Equal((401, "token_revoked"), (call.Status, call.Reason));
        var refresh = await rest.PostAsync("/api/auth/refresh", new { refreshToken = bad.RefreshToken });
        Assert.Equal((401, "invalid_refresh_token"), (refresh.Status, refresh.Reason));
    }

    [Fact]
    public async Task A_refresh_token_that_comes_twice_takes_the_whole_sign_in_with_it()
    {
        RedisFixture.RequireInstalled();
        await using var host = await StartAsync();
        using var rest = new RestClient(host.Http);
        var guest = host.Guest();
        var second = (await rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.RefreshToken })).Body;
        await using var session = await FrameSocket.ConnectAsync(host.WebSocket, second.GetProperty("accessToken").GetString());
        await session.WaitAsync(ServerFrame.FrameOneofCase.Welcome);

        var reused = await rest.PostAsync("/api/auth/refresh", new { refreshToken = guest.RefreshToken });

        Assert.Equal((401, "invalid_refresh_token"), (reused.Status, reused.Reason));
        Assert.Equal("token_revoked", (await session.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        var heir = await rest.PostAsync("/api/auth/refresh", new { refreshToken = second.GetProperty("refreshToken").GetString() });
        Assert.Equal((401, "invalid_refresh_token"), (heir.Status, heir.Reason));
        var other = host.Guest();
        Assert.Equal(200, (await rest.PostAsync("/api/auth/refresh", new { refreshToken = other.RefreshToken })).Status);
    }

    [Fact]
    public async Task A_socket_ticket_opens_one_session_of_its_account()
    {
        RedisFixture.RequireInstalled();
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        using var rest = new RestClient(one.Http);
        var guest = one.Guest();
        Assert.Equal((401, "missing_token"), await Issue(null));
        var ticket = (await rest.SendAsync(HttpMethod.Post, "/api/auth/socket-ticket", new { }, guest.AccessToken)).Body.GetProperty("ticket").GetString();

        // At another replica than the one that made it.
        await using var first = await FrameSocket.ConnectAsync(new Uri($"{two.WebSocket}?ticket={ticket}"), accessToken: null);
        Assert.Equal(guest.AccountId, (await first.WaitAsync(ServerFrame.FrameOneofCase.Welcome)).Welcome.AccountId);
        await using var second = await FrameSocket.ConnectAsync(new Uri($"{one.WebSocket}?ticket={ticket}"), accessToken: null);
        Assert.Equal("invalid_token", (await second.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);

        async Task<(int, string)> Issue(string? token)
        {
            var answer = await rest.SendAsync(HttpMethod.Post, "/api/auth/socket-ticket", new { }, token);
            return (answer.Status, answer.Reason);
        }
    }

    public void Dispose() => Directory.Delete(_dataDirectory, recursive: true);
}
