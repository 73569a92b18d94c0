using System.Net.WebSockets;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Deploy.Tests;

/// <summary>A process that is told to stop leaves in good order: not ready at once, gone only when nobody is sent there any more.</summary>
public sealed class DrainTests
{
    private const int DrainSeconds = 3;

    [Fact]
    public async Task A_process_that_stops_says_so_serves_on_and_tells_its_clients_to_go()
    {
        await using var server = new BeaconServer(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Beacon:Endpoints:DrainSeconds"] = DrainSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
        });
        await server.StartAsync();
        using var rest = new RestClient(server.Http);
        var guest = await rest.GuestAsync("Viewer");
        var sockets = new List<FrameSocket>();
        for (var i = 0; i < 6; i++)
        {
            sockets.Add(await FrameSocket.ConnectAsync(server.WebSocket, guest.AccessToken));
            await sockets[i].WaitAsync(ServerFrame.FrameOneofCase.Welcome);
        }

        await StatusAsync(rest, 200);

        var began = TimeProvider.System.GetTimestamp();
        var stopped = server.Process.StopAsync();
        await StatusAsync(rest, 503);
        // Not ready is not gone: who is still sent here is served.
        Assert.Equal(200, (await rest.GetAsync("/api/wallet", guest)).Status);
        Assert.Equal(200, (await rest.GetAsync("/alive")).Status);
        foreach (var socket in sockets)
        {
            await socket.ClosedAsync();
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        }

        Assert.Equal(0, await stopped);
        Assert.True(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(DrainSeconds - 0.1), "it stopped before the time of draining was over");
        Assert.Contains($"Told to stop: not ready any more, and serving for {DrainSeconds} s more", server.Process.Output, StringComparison.Ordinal);
        foreach (var socket in sockets)
            await socket.DisposeAsync();
    }

    private static async Task StatusAsync(RestClient rest, int status)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var answer = await rest.GetAsync("/health");
        for (var i = 0; i < 1_000 && answer.Status != status; i++)
        {
            await tick.WaitForNextTickAsync();
            answer = await rest.GetAsync("/health");
        }

        Assert.Equal(status, answer.Status);
    }
}
