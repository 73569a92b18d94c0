using System.Net.WebSockets;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Identity;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Beacon.Signaling.Tests;

/// <summary>Each limit of the edge at its value and one over it.</summary>
public sealed class LimitTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private static readonly string StreamId = Guid.CreateVersion7().ToString();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));

    private Task<SignalingHost> StartAsync(params (string Key, string Value)[] settings) => SignalingHost.StartAsync(garnet.ConnectionString, clock: _clock, settings: settings);

    private static Task<FrameSocket> ConnectAsync(SignalingHost host) => FrameSocket.ConnectAsync(host.WebSocket, host.Guest().AccessToken);

    private static async Task<string> ReasonAsync(FrameSocket socket, ClientFrame frame) => (await socket.AskAsync(frame)).Error?.Reason ?? "";

    private static Task<string> JoinAsync(FrameSocket socket, string streamId) =>
        ReasonAsync(socket, new ClientFrame { JoinStream = new JoinStream { StreamId = streamId } });

    [Fact]
    public async Task A_replica_has_its_sessions_and_not_one_more_until_one_of_them_goes()
    {
        await using var host = await StartAsync(("Signaling:MaxSessions", "2"));
        var first = await ConnectAsync(host);
        await first.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        await using var second = await ConnectAsync(host);
        await second.WaitAsync(ServerFrame.FrameOneofCase.Welcome);

        await using var third = await ConnectAsync(host);
        Assert.Equal("server_full", (await third.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await third.ClosedAsync();
        Assert.Equal((WebSocketCloseStatus)1013, third.CloseStatus);

        await first.DisposeAsync();
        await SessionLifeTests.Until(() => host.Get<Sessions.Edge>().SessionCount == 1);
        await using var fourth = await ConnectAsync(host);
        await fourth.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
    }

    [Fact]
    public async Task A_session_is_in_its_streams_and_not_in_one_more_until_it_leaves_one()
    {
        await using var host = await StartAsync(("Signaling:MaxStreamsPerSession", "2"));
        await using var socket = await ConnectAsync(host);

        Assert.Equal("", await JoinAsync(socket, "one"));
        Assert.Equal("already_in_stream", await JoinAsync(socket, "one"));
        Assert.Equal("", await JoinAsync(socket, "two"));
        Assert.Equal("too_many_streams_in_session", await JoinAsync(socket, "three"));
        await socket.SendAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "one" } });
        Assert.Equal("", await JoinAsync(socket, "three"));
    }

    [Theory]
    [InlineData("offer", 16_384, true)]
    [InlineData("offer", 16_385, false)]
    [InlineData("answer", 16_384, true)]
    [InlineData("answer", 16_385, false)]
    [InlineData("candidate", 2_048, true)]
    [InlineData("candidate", 2_049, false)]
    [InlineData("ticket", 2_048, true)]
    [InlineData("ticket", 2_049, false)]
    public async Task A_signal_carries_so_many_bytes_and_not_one_more(string field, int bytes, bool isTaken)
    {
        await using var host = await StartAsync();
        await using var socket = await ConnectAsync(host);
        await JoinAsync(socket, StreamId);
        // Two bytes a letter, but for the last: bytes are counted, not letters.
        var text = new string('é', (bytes - 1) / 2) + new string('x', bytes - ((bytes - 1) / 2 * 2));
        var signal = new Signal { StreamId = StreamId, PeerId = "p" };
        switch (field)
        {
            case "offer":
                signal.Offer = text;
                break;
            case "answer":
                signal.Answer = text;
                break;
            case "candidate":
                signal.Candidate = text;
                break;
            default:
                (signal.Offer, signal.Ticket) = ("v=0", new string('x', bytes));
                break;
        }

        Assert.Equal(isTaken ? "not_a_neighbour" : "invalid_frame", await ReasonAsync(socket, new ClientFrame { Signal = signal }));
    }

    [Theory]
    [InlineData("receipts", 64, true)]
    [InlineData("receipts", 65, false)]
    [InlineData("claims", 64, true)]
    [InlineData("claims", 65, false)]
    [InlineData("faults", 16, true)]
    [InlineData("faults", 17, false)]
    public async Task A_report_tells_of_so_many_and_not_of_one_more(string field, int count, bool isTaken)
    {
        await using var host = await StartAsync();
        await using var socket = await ConnectAsync(host);
        await JoinAsync(socket, StreamId);
        var report = new MetricsReport { StreamId = StreamId };
        for (var one = 0; one < count; one++)
        {
            if (field == "receipts")
                report.Receipts.Add(new Receipt { ParentPeerId = $"{one}" });
            else if (field == "claims")
                report.Claims.Add(new RelayClaim { ChildPeerId = $"{one}" });
            else
                report.Faults.Add(new ParentFault { ParentPeerId = $"{one}" });
        }

        await socket.SendAsync(new ClientFrame { RequestId = 99, MetricsReport = report });

        await AnsweredAsync(socket, isTaken);
    }

    [Theory]
    [InlineData(32, true)]
    [InlineData(33, false)]
    public async Task A_broadcaster_announces_so_many_digests_at_once_and_not_one_more(int count, bool isTaken)
    {
        await using var host = await StartAsync();
        await using var socket = await ConnectAsync(host);
        var live = (await socket.AskAsync(new ClientFrame { GoLive = new GoLive { Title = "T", BitrateKbps = 800 } })).StreamLive;
        var digests = new ChunkDigests { StreamId = live.StreamId };
        for (uint one = 0; one < count; one++)
            digests.Digests.Add(new ChunkDigest { Sequence = one, Digest = ByteString.CopyFrom(new byte[32]) });

        await socket.SendAsync(new ClientFrame { RequestId = 99, ChunkDigests = digests });

        await AnsweredAsync(socket, isTaken);
    }

    [Theory]
    [InlineData(120, true)]
    [InlineData(121, false)]
    public async Task A_title_has_so_many_characters_and_not_one_more(int characters, bool isTaken)
    {
        await using var host = await StartAsync();
        await using var socket = await ConnectAsync(host);

        Assert.Equal(isTaken ? "" : "invalid_frame", await ReasonAsync(socket, new ClientFrame { GoLive = new GoLive { Title = new string('t', characters), BitrateKbps = 800 } }));
    }

    [Fact]
    public async Task Rates_hold_over_time_as_they_do_at_once()
    {
        await using var host = await StartAsync(("Signaling:JoinsPerSecond", "2"), ("Signaling:JoinBurst", "1"));
        await using var socket = await ConnectAsync(host);
        Assert.Equal("invalid_frame", await JoinAsync(socket, ""));
        _clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.Equal("rate_limited", await JoinAsync(socket, ""));
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal("invalid_frame", await JoinAsync(socket, ""));
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, false)]
    public async Task A_refresh_token_is_good_for_its_days_and_the_clock_skew_and_not_longer(int seconds, bool isGood)
    {
        await using var host = await StartAsync(("Signaling:RefreshTokenDays", "2"), ("Auth:ClockSkewSeconds", "5"));
        var guest = host.Guest();
        // Without the two days' ticks of all timers.
        _clock.AdjustTime(_clock.GetUtcNow() + TimeSpan.FromDays(2) + TimeSpan.FromSeconds(5 + seconds));

        Assert.Equal(isGood, await host.Get<GuestIssuer>().RefreshAsync(guest.RefreshToken) is not null);
    }

    [Fact]
    public async Task A_socket_ticket_is_good_for_its_seconds_by_the_clock_of_the_store()
    {
        await using var host = await StartAsync(("Signaling:SocketTicketSeconds", "7"));
        var tickets = host.Get<SocketTickets>();
        var redis = host.Get<IConnectionMultiplexer>();
        var (used, expiresAt) = await tickets.IssueAsync("token");
        Assert.Equal(_clock.GetUtcNow().AddSeconds(7), expiresAt);
        Assert.Equal("token", await tickets.RedeemAsync(used));

        var (late, _) = await tickets.IssueAsync("token");
        var key = Assert.Single(redis.GetServers().Single().Keys(pattern: "beacon:socket-ticket:*"));
        Assert.InRange((await redis.GetDatabase().KeyTimeToLiveAsync(key))!.Value, TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(7));
        await redis.GetDatabase().KeyExpireAsync(key, TimeSpan.Zero);
        Assert.Null(await tickets.RedeemAsync(late));
    }

    [Fact]
    public async Task A_browser_is_given_turn_credentials_for_the_time_that_is_set()
    {
        await using var host = await StartAsync(("Signaling:TurnUrls:0", "turn:127.0.0.1:3478"), ("Signaling:TurnSecret", "a secret"), ("Signaling:TurnCredentialSeconds", "90"));
        using var rest = new RestClient(host.Http);

        var answer = await rest.SendAsync(HttpMethod.Get, "/api/ice-servers", null, host.Guest().AccessToken);

        var turn = answer.Body.GetProperty("iceServers").EnumerateArray().Single();
        Assert.StartsWith($"{_clock.GetUtcNow().AddSeconds(90).ToUnixTimeSeconds()}:", turn.GetProperty("username").GetString(), StringComparison.Ordinal);
    }

    /// <summary>Frames that are taken are not answered: whether the one before was, a fence tells.</summary>
    private static async Task AnsweredAsync(FrameSocket socket, bool isTaken)
    {
        await socket.SendAsync(new ClientFrame { RequestId = 100, LeaveStream = new LeaveStream { StreamId = "fence" } });
        var first = await socket.WaitAsync(ServerFrame.FrameOneofCase.Error);
        Assert.Equal(isTaken ? (100ul, "not_in_stream") : (99ul, "invalid_frame"), (first.RequestId, first.Error.Reason));
    }
}
