using System.Net;
using System.Net.Sockets;

namespace Beacon.Cli.Tests;

/// <summary>A doctor who looks at real servers, and at what is not there.</summary>
public sealed class DoctorTests(ServerFixture fixture, RedisFixture redis) : IClassFixture<ServerFixture>, IClassFixture<RedisFixture>
{
    [Fact]
    public async Task A_running_installation_is_well()
    {
        RedisFixture.RequireInstalled();
        TurnServer.RequireInstalled();
        await using var turn = new TurnServer("a secret", Ports.Free());
        turn.Start();
        await AnswersAsync(turn);

        var outcome = await fixture.Operator.RunAsync("doctor", "--redis", redis.ConnectionString, "--turn", $"turn:127.0.0.1:{turn.Port}?transport=udp", "--json");

        Assert.Equal(0, outcome.ExitCode);
        Assert.True(outcome.Document.GetProperty("healthy").GetBoolean());
        Assert.Equal(
            // This Redis keeps nothing on disk, which is worth a word. There is no broker in one process.
            ["process right", "health right", "gateway right", "websocket right", "clock right", "ledger right", "redis doubtful", "broker skipped", "turn right"],
            Findings(outcome));
    }

    [Fact]
    public async Task What_is_not_there_is_wrong()
    {
        var ports = Ports.Free(3);
        // Takes datagrams and never answers.
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var outcome = await new Terminal(new Uri($"http://127.0.0.1:{ports[0]}")).RunAsync(
            "doctor", "--redis", $"127.0.0.1:{ports[1]}", "--bus", $"amqp://guest:guest@127.0.0.1:{ports[2]}", "--turn", $"stun:127.0.0.1:{((IPEndPoint)silent.Client.LocalEndPoint!).Port}", "--json");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal(
            ["process wrong", "health wrong", "gateway wrong", "websocket wrong", "clock wrong", "ledger skipped", "redis wrong", "broker wrong", "turn wrong"],
            Findings(outcome));
    }

    [Theory]
    [InlineData("turn:no port:x", "is no turn:host:port")]
    [InlineData("http://example.org", "is no turn:host:port")]
    public async Task An_address_that_is_none_is_named(string turn, string text)
    {
        var outcome = await fixture.Anybody.RunAsync("doctor", "--turn", turn, "--bus", "localhost");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains($"{turn} {text}", outcome.Text, StringComparison.Ordinal);
        Assert.Contains("The address is no amqp://", outcome.Text, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Findings(Outcome outcome) => outcome.Document.GetProperty("checks").EnumerateArray()
        .Select(check => $"{check.GetProperty("name").GetString()} {check.GetProperty("verdict").GetString()}");

    /// <summary>A server that is still starting refuses datagrams.</summary>
    private static async Task AnswersAsync(TurnServer turn)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var round = 0; round < 200; round++)
        {
            if ((await Checks.StunCheck.OfAsync([$"stun:127.0.0.1:{turn.Port}"], TestContext.Current.CancellationToken)).Verdict == Checks.Verdict.Right)
                return;
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}

/// <summary>A replica is emptied from the terminal. It has a server to itself.</summary>
public sealed class DrainCommandTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_drain_ends_when_the_last_session_is_gone_and_can_be_taken_back()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(fixture.Server, await fixture.Rest.GuestAsync("Host"));
        var drained = await fixture.Operator.RunAsync("drain", "--seconds", "1", "--json");
        Assert.Equal((0, 0), (drained.ExitCode, drained.Document.GetProperty("sessions").GetInt32()));
        await root.Socket.ClosedAsync();
        Assert.Equal(503, (await fixture.Rest.GetAsync("/health")).Status);

        Assert.Contains("takes sessions again", (await fixture.Operator.RunAsync("drain", "--stop")).Text, StringComparison.Ordinal);
        Assert.Equal(200, (await fixture.Rest.GetAsync("/health")).Status);
        Assert.Equal("missing_scope", (await fixture.As(await fixture.Rest.GuestAsync("Guest")).RunAsync("drain", "--json")).Reason);
        Assert.Equal("invalid_drain", (await fixture.Operator.RunAsync("drain", "--seconds", "3601", "--json")).Reason);
    }
}
