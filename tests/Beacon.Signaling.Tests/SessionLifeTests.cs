using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Identity;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

/// <summary>What time, loss and limits do to a session, over real sockets and with a clock that the test moves.</summary>
public sealed class SessionLifeTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;
    private static readonly string StreamId = Guid.CreateVersion7().ToString();
    // Tokens know whole seconds only.
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));
    private readonly Asked _asked = new();

    private Task<SignalingHost> StartAsync(params (string Key, string Value)[] settings) => SignalingHost.StartAsync(garnet.ConnectionString, _asked, _clock, null, settings);

    private static Task<FrameSocket> ConnectAsync(SignalingHost host, IssuedTokens guest) => FrameSocket.ConnectAsync(host.WebSocket, guest.AccessToken);

    private static async Task<StreamJoined> JoinAsync(FrameSocket socket, string resumeTicket = "") =>
        (await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, ResumeTicket = resumeTicket } })).StreamJoined;

    [Fact]
    public async Task A_session_ends_with_4401_when_its_token_expires()
    {
        await using var host = await StartAsync(("Auth:ClockSkewSeconds", "0"));
        await using var socket = await ConnectAsync(host, host.Guest());
        await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome);

        // In steps, so that the silence between them is no reason.
        await AdvanceAsync(socket, TimeSpan.FromMinutes(15));

        Assert.Equal("invalid_token", (await socket.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await socket.ClosedAsync();
        Assert.Equal(TokenExpired, socket.CloseStatus);
    }

    [Theory]
    [InlineData(29, true)]
    [InlineData(30, false)]
    public async Task Within_the_clock_skew_a_token_keeps_its_session_and_opens_another_and_after_it_neither(int secondsAfterExpiry, bool isGood)
    {
        await using var host = await StartAsync(("Auth:ClockSkewSeconds", "30"));
        var guest = host.Guest();
        await using var open = await ConnectAsync(host, guest);
        await open.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        await AdvanceAsync(open, TimeSpan.FromSeconds((15 * 60) + 20));
        await FenceAsync(open);
        _clock.Advance(TimeSpan.FromSeconds(secondsAfterExpiry - 20));

        await using var another = await ConnectAsync(host, guest);
        if (isGood)
        {
            await another.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
            await FenceAsync(open);
            return;
        }

        Assert.Equal("invalid_token", (await another.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await open.ClosedAsync();
        Assert.Equal(TokenExpired, open.CloseStatus);
    }

    [Fact]
    public async Task A_session_that_is_refreshed_in_time_outlives_its_first_token_and_ends_with_the_second()
    {
        await using var host = await StartAsync(("Auth:ClockSkewSeconds", "0"));
        var first = host.Guest();
        await using var socket = await ConnectAsync(host, first);
        await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        await AdvanceAsync(socket, TimeSpan.FromMinutes(10));
        var second = await host.Get<GuestIssuer>().RefreshAsync(first.RefreshToken);
        await socket.SendAsync(new ClientFrame { Refresh = new Refresh { AccessToken = second!.AccessToken } });
        await FenceAsync(socket);

        await AdvanceAsync(socket, TimeSpan.FromMinutes(14));
        await FenceAsync(socket);
        await AdvanceAsync(socket, TimeSpan.FromMinutes(1));

        await socket.ClosedAsync();
        Assert.Equal(TokenExpired, socket.CloseStatus);
    }

    [Fact]
    public async Task An_expired_token_opens_nothing_and_refreshes_nothing()
    {
        await using var host = await StartAsync(("Auth:ClockSkewSeconds", "30"));
        var guest = host.Guest();
        var fresh = host.Get<GuestIssuer>();
        _clock.Advance(TimeSpan.FromSeconds((15 * 60) + 31));
        await using var late = await ConnectAsync(host, guest);
        Assert.Equal("invalid_token", (await late.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);

        await using var socket = await ConnectAsync(host, (await fresh.RefreshAsync(guest.RefreshToken))!);
        var refused = await socket.AskAsync(new ClientFrame { Refresh = new Refresh { AccessToken = guest.AccessToken } });
        Assert.Equal("invalid_token", refused.Error.Reason);
    }

    [Fact]
    public async Task A_lost_peer_keeps_its_seat_for_the_grace_time_and_one_that_resumes_keeps_its_place()
    {
        await using var host = await StartAsync();
        var (back, gone) = (host.Guest("Back"), host.Guest("Gone"));
        var lost = await ConnectAsync(host, back);
        var joined = await JoinAsync(lost);
        var other = await ConnectAsync(host, gone);
        var goneId = (await JoinAsync(other)).PeerId;

        await lost.DisposeAsync();
        await using var resumed = await ConnectAsync(host, back);
        var again = await JoinAsync(resumed, joined.ResumeTicket);
        await other.DisposeAsync();
        await Until(() => host.Get<Edge>().SessionCount == 1);
        Assert.Equal(2, host.Get<Edge>().SeatCount);
        _clock.Advance(TimeSpan.FromMilliseconds(1_100));

        Assert.Equal(joined.PeerId, again.PeerId);
        // Who was lost first and came back was not reported; who was lost later and did not was.
        Assert.Equal(goneId, await _asked.NextLeaveAsync());
        Assert.Equal(3, _asked.Joins.Count);
        Assert.Equal(1, host.Get<Edge>().SeatCount);
    }

    [Fact]
    public async Task A_lost_peer_is_given_up_when_its_grace_time_is_over_and_not_before()
    {
        await using var host = await StartAsync();
        var first = await ConnectAsync(host, host.Guest("First"));
        var firstId = (await JoinAsync(first)).PeerId;
        var second = await ConnectAsync(host, host.Guest("Second"));
        var secondId = (await JoinAsync(second)).PeerId;
        await first.DisposeAsync();
        await Until(() => host.Get<Edge>().SessionCount == 1);
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        await second.DisposeAsync();
        await Until(() => host.Get<Edge>().SessionCount == 0);

        _clock.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal(firstId, await _asked.NextLeaveAsync());
        // The same look found the second one a tenth of a second too early.
        Assert.Equal(1, host.Get<Edge>().SeatCount);

        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(secondId, await _asked.NextLeaveAsync());
    }

    [Fact]
    public async Task A_leave_that_Topology_could_not_hear_is_told_again_unless_the_peer_is_back()
    {
        await using var host = await StartAsync();
        await using var back = await ConnectAsync(host, host.Guest("Back"));
        await using var gone = await ConnectAsync(host, host.Guest("Gone"));
        var joined = await JoinAsync(back);
        var goneId = (await JoinAsync(gone)).PeerId;
        _asked.RefusesLeaves = true;
        foreach (var socket in new[] { back, gone })
            await socket.SendAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = StreamId } });
        await Until(() => Volatile.Read(ref _asked.RefusedLeaves) == 2);

        Assert.Equal(joined.PeerId, (await JoinAsync(back, joined.ResumeTicket)).PeerId);
        // Until then it was tried again, and no more.
        await Until(() =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return Volatile.Read(ref _asked.RefusedLeaves) == 3;
        });
        _asked.RefusesLeaves = false;
        await Until(() =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return _asked.LeaveCount > 0;
        });

        Assert.Equal(goneId, await _asked.NextLeaveAsync());
        Assert.Equal(0, _asked.LeaveCount);
    }

    private static ReadOnlySpan<byte> Ping => [0x89, 0];

    [Fact]
    public async Task A_client_that_falls_silent_is_pinged_and_then_cut_off()
    {
        await using var host = await StartAsync();
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, host.Http.Port, TestContext.Current.CancellationToken);
        var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: {host.Http.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: beacon.v1.proto, bearer.{host.Guest().AccessToken}\r\n\r\n"), TestContext.Current.CancellationToken);
        await Until(() => host.Get<Edge>().SessionCount == 1);

        // A second less of silence, and the client is left alone: it hears the answer to its own ping, and nothing before it.
        _clock.Advance(TimeSpan.FromSeconds(14));
        await stream.WriteAsync(new byte[] { 0x89, 0x80, 0, 0, 0, 0 }, TestContext.Current.CancellationToken);
        var before = await ReadUntilAsync(0x8A);
        Assert.False(before.AsSpan().IndexOf(Ping) >= 0, Convert.ToHexString(before));

        _clock.Advance(TimeSpan.FromSeconds(15));
        await ReadUntilAsync(0x89);
        // A second less, and it is pinged once more.
        _clock.Advance(TimeSpan.FromSeconds(14));
        await ReadUntilAsync(0x89);
        Assert.Equal(1, host.Get<Edge>().SessionCount);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await Until(() => host.Get<Edge>().SessionCount == 0);

        // Up to an empty control frame.
        async Task<byte[]> ReadUntilAsync(byte opcode)
        {
            var received = new List<byte>();
            var buffer = new byte[4_096];
            while (received.Count < 2 || received[^2] != opcode || received[^1] != 0)
                received.AddRange(buffer[..await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)]);
            return [.. received];
        }
    }

    [Theory]
    [InlineData("joins", 5)]
    [InlineData("signals", 200)]
    [InlineData("reports", 6)]
    public async Task A_session_may_send_its_burst_and_not_one_more(string kind, int burst)
    {
        await using var host = await StartAsync();
        await using var socket = await ConnectAsync(host, host.Guest());
        var frame = kind switch
        {
            "joins" => new ClientFrame { JoinStream = new JoinStream() },
            "signals" => new ClientFrame { Signal = new Signal { StreamId = "s" } },
            _ => new ClientFrame { MetricsReport = new MetricsReport { StreamId = "s" } },
        };
        for (var sent = 0; sent < burst; sent++)
            Assert.NotEqual("rate_limited", (await socket.AskAsync(frame)).Error.Reason);

        Assert.Equal("rate_limited", (await socket.AskAsync(frame)).Error.Reason);
    }

    [Fact]
    public async Task An_address_may_open_its_burst_of_sockets_and_not_one_more()
    {
        await using var host = await StartAsync(("Signaling:HandshakeBurstPerAddress", "3"), ("Signaling:HandshakesPerSecondPerAddress", "1"));
        var guest = host.Guest();
        for (var opened = 0; opened < 3; opened++)
        {
            await using var socket = await ConnectAsync(host, guest);
            await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await HandshakeAsync(host, guest));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await HandshakeAsync(host, guest));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.0/8", true)]
    [InlineData("10.0.0.1", false)]
    public async Task Behind_a_trusted_proxy_each_client_has_its_own_count_and_others_cannot_claim_one(string trusted, bool isOwn)
    {
        await using var host = await StartAsync(("Signaling:HandshakeBurstPerAddress", "1"), ("Signaling:HandshakesPerSecondPerAddress", "1"), ("Endpoints:TrustedProxies:0", trusted));
        var guest = host.Guest();

        Assert.Equal(HttpStatusCode.SwitchingProtocols, await HandshakeAsync(host, guest, ("X-Forwarded-For", "203.0.113.1")));
        Assert.Equal(isOwn ? HttpStatusCode.SwitchingProtocols : HttpStatusCode.TooManyRequests, await HandshakeAsync(host, guest, ("X-Forwarded-For", "203.0.113.2")));
        Assert.Equal(HttpStatusCode.TooManyRequests, await HandshakeAsync(host, guest, ("X-Forwarded-For", "203.0.113.1")));
    }

    [Fact]
    public async Task An_address_may_make_its_burst_of_guests_and_not_one_more()
    {
        await using var host = await StartAsync(("Signaling:GuestBurstPerAddress", "2"));
        using var rest = new RestClient(host.Http);
        await rest.GuestAsync("One");
        await rest.GuestAsync("Two");

        var refused = await rest.PostAsync("/api/auth/guest", new { name = "Three" });

        Assert.Equal((429, "too_many_guests"), (refused.Status, refused.Reason));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await rest.GuestAsync("Three");
    }

    [Theory]
    [InlineData(null, HttpStatusCode.SwitchingProtocols)]
    [InlineData("http://HOST", HttpStatusCode.SwitchingProtocols)]
    [InlineData("https://tv.example.org", HttpStatusCode.SwitchingProtocols)]
    [InlineData("https://evil.example.org", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    public async Task A_page_opens_a_session_only_from_an_allowed_origin(string? origin, HttpStatusCode status)
    {
        await using var host = await StartAsync(("Signaling:AllowedOrigins:0", "https://tv.example.org"));
        (string, string)[] headers = origin is null ? [] : [("Origin", origin.Replace("HOST", host.Http.Authority, StringComparison.Ordinal))];

        Assert.Equal(status, await HandshakeAsync(host, host.Guest(), headers));
    }

    [Fact]
    public async Task A_viewer_behind_a_relay_needs_one_and_may_show_no_other_address()
    {
        await using (var without = await StartAsync())
        {
            await using var early = await ConnectAsync(without, without.Guest());
            var refused = await early.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, RelayOnly = true } });
            Assert.Equal("no_relay", refused.Error.Reason);
        }

        await using var host = await StartAsync(("Signaling:TurnUrls:0", "turn:127.0.0.1:3478"), ("Signaling:TurnSecret", "a secret"));
        await using var socket = await ConnectAsync(host, host.Guest());
        await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, RelayOnly = true } });
        Assert.True(Assert.Single(_asked.Joins).RelayOnly);

        Assert.Equal("address_leak", await SignalAsync("candidate:1 1 udp 1 192.0.2.1 9 typ host"));
        Assert.Equal("address_leak", await SignalAsync("candidate:1 1 udp 1 192.0.2.1 9 typ srflx raddr 10.0.0.1"));
        Assert.Equal("not_a_neighbour", await SignalAsync("candidate:1 1 udp 1 198.51.100.1 9 typ relay raddr 0.0.0.0"));

        async Task<string> SignalAsync(string candidate) =>
            (await socket.AskAsync(new ClientFrame { Signal = new Signal { StreamId = StreamId, PeerId = "p", Candidate = candidate } })).Error.Reason;
    }

    private static async Task<HttpStatusCode> HandshakeAsync(SignalingHost host, IssuedTokens guest, params (string Name, string Value)[] headers)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.AddSubProtocol("beacon.v1.proto");
        socket.Options.AddSubProtocol($"bearer.{guest.AccessToken}");
        foreach (var (name, value) in headers)
            socket.Options.SetRequestHeader(name, value);
        try
        {
            await socket.ConnectAsync(host.WebSocket, TestContext.Current.CancellationToken);
        }
        catch (WebSocketException)
        {
            // The status tells.
        }

        return socket.HttpStatusCode;
    }

    /// <summary>Lets time pass while the client stays heard.</summary>
    private async Task AdvanceAsync(FrameSocket socket, TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(10))
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            if (passed + TimeSpan.FromSeconds(10) < time)
                await FenceAsync(socket);
        }
    }

    private static async Task FenceAsync(FrameSocket socket) =>
        Assert.Equal("not_in_stream", (await socket.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } })).Error.Reason);

    internal static async Task Until(Func<bool> holds)
    {
        using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var late = new CancellationTokenSource(FrameSocket.Patience);
        while (!holds())
            await glance.WaitForNextTickAsync(late.Token);
    }
}
