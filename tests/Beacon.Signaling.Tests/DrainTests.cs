using System.Net;
using System.Net.WebSockets;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Identity;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

/// <summary>A replica that is emptied before it is stopped.</summary>
public sealed class DrainTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private const string Path = "/api/operator/drain";
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly Asked _asked = new();

    private Task<SignalingHost> StartAsync() => SignalingHost.StartAsync(garnet.ConnectionString, _asked, _clock, null);

    private static string OperatorToken(SignalingHost host) => host.Get<GuestIssuer>().Create("Operator", isOperator: true).AccessToken;

    [Fact]
    public async Task Sessions_go_one_after_the_other_and_their_peers_keep_their_places()
    {
        await using var host = await StartAsync();
        var sockets = new List<FrameSocket>();
        for (var index = 0; index < 4; index++)
        {
            var socket = await FrameSocket.ConnectAsync(host.WebSocket, host.Guest().AccessToken);
            sockets.Add(socket);
            await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = Guid.CreateVersion7().ToString() } });
        }

        using var rest = new RestClient(host.Http);
        var started = await rest.SendAsync(HttpMethod.Post, Path, new { seconds = 8 }, OperatorToken(host));
        Assert.Equal(200, started.Status);
        Assert.Equal((true, 4), (started.Body.GetProperty("drain").GetProperty("draining").GetBoolean(), started.Body.GetProperty("drain").GetProperty("sessions").GetInt32()));

        // Half of the time, a little more: half of the sessions.
        var edge = host.Get<Edge>();
        await AdvanceAsync(TimeSpan.FromMilliseconds(4_200), () => edge.Sessions.Count(session => !session.IsClosing) == 2);
        await AdvanceAsync(TimeSpan.FromSeconds(4), () => edge.Sessions.All(session => session.IsClosing));
        foreach (var socket in sockets)
        {
            await socket.ClosedAsync();
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
            await socket.DisposeAsync();
        }

        await AdvanceAsync(TimeSpan.Zero, () => edge is { SessionCount: 0, SeatCount: 0 });
        // Topology was told of nobody's end, also not when the grace of a lost connection would be over.
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, _asked.LeaveCount);
    }

    [Fact]
    public async Task While_it_drains_nobody_comes_in_and_balancers_see_it_and_afterwards_it_is_as_before()
    {
        await using var host = await StartAsync();
        using var rest = new RestClient(host.Http);
        var token = OperatorToken(host);
        Assert.Equal(200, (await rest.SendAsync(HttpMethod.Post, Path, new { seconds = 0 }, token)).Status);

        Assert.Equal(503, (await rest.GetAsync("/health")).Status);
        Assert.Equal(200, (await rest.GetAsync("/alive")).Status);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), await HandshakeAsync(host, "edge_draining"));

        var stopped = await rest.SendAsync(HttpMethod.Delete, Path, null, token);
        Assert.Equal(200, stopped.Status);
        Assert.Equal(200, (await rest.GetAsync("/health")).Status);
        await using var socket = await FrameSocket.ConnectAsync(host.WebSocket, host.Guest().AccessToken);
        await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome);
    }

    [Theory]
    [InlineData(true, 3_600, 200, "")]
    [InlineData(true, 3_601, 400, "invalid_drain")]
    [InlineData(false, 30, 403, "missing_scope")]
    public async Task Only_an_operator_drains_and_within_an_hour(bool isOperator, int seconds, int status, string reason)
    {
        await using var host = await StartAsync();
        using var rest = new RestClient(host.Http);
        var token = isOperator ? OperatorToken(host) : host.Guest().AccessToken;
        var answer = await rest.SendAsync(HttpMethod.Post, Path, new { seconds }, token);
        Assert.Equal((status, reason), (answer.Status, answer.Reason));
        Assert.Equal(status == 200, host.Get<Drain>().IsOn);
        Assert.Equal(isOperator ? 200 : 403, (await rest.SendAsync(HttpMethod.Get, Path, null, token)).Status);
        Assert.Equal(isOperator ? 200 : 403, (await rest.SendAsync(HttpMethod.Delete, Path, null, token)).Status);
    }

    private static async Task<(HttpStatusCode Status, bool HasReason)> HandshakeAsync(SignalingHost host, string reason)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Http, "/ws"));
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new System.Net.Http.Headers.ProductHeaderValue("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
        request.Headers.Add("Sec-WebSocket-Protocol", $"beacon.v1.proto, bearer.{host.Guest().AccessToken}");
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Contains($"\"{reason}\"", StringComparison.Ordinal));
    }

    /// <summary>Lets time go on, and waits until what that brings about is so.</summary>
    private async Task AdvanceAsync(TimeSpan time, Func<bool> isSo)
    {
        _clock.Advance(time);
        using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var round = 0; round < 2_000 && !isSo(); round++)
            await glance.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        Assert.True(isSo());
    }
}
