using Beacon.Testing;

namespace Beacon.Browser.Tests;

/// <summary>A server with a real coturn.</summary>
public sealed class WithTurn : BrowserFixture
{
    private const string Secret = "a secret of the turn server";
    private readonly TurnServer _turn;

    public WithTurn() : this(new TurnServer(Secret))
    {
    }

    private WithTurn(TurnServer turn) : base(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Beacon:Signaling:TurnUrls:0"] = $"turn:127.0.0.1:{turn.Port}?transport=udp",
        ["Beacon:Signaling:TurnSecret"] = Secret,
    })
    {
        _turn = turn;
        turn.Start();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _turn.DisposeAsync();
    }
}

/// <summary>A viewer that no other viewer is to learn the address of.</summary>
[Collection(nameof(Browsers))]
public sealed class HiddenAddressTests(WithTurn fixture) : PagesTests(fixture), IClassFixture<WithTurn>
{
    /// <summary>Keeps every connection of the page, to be asked afterwards.</summary>
    private const string Recorder =
        """
        window.connections = [];
        window.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(...configuration) {
            super(...configuration);
            window.connections.push(this);
          }
        };
        """;

    [Fact]
    public async Task A_viewer_that_hides_its_address_sees_the_picture_through_turn_and_shows_no_other_candidate()
    {
        TurnServer.RequireInstalled();
        var root = await BroadcastAsync("Seen from afar");
        var viewer = await WatchAsync("Hidden", (await root.StatsAsync()).StreamId, script: Recorder, more: "&relayOnly=1");

        await viewer.SeesTheLivePictureAsync();
        Assert.Equal(["relay"], await CandidatesAsync(viewer));

        // In the open again, at a click.
        await viewer.Page.EvaluateAsync("() => { window.connections = []; }");
        await viewer.Page.GetByTestId("player-settings").ClickAsync();
        await viewer.Page.GetByTestId("relay-only").ClickAsync();
        await viewer.WaitAsync(stats => stats.FramesDecoded > 0, "the picture anew");
        await viewer.SeesTheLivePictureAsync();
        Assert.Contains("host", await CandidatesAsync(viewer));
    }

    /// <summary>The kinds of its own candidates, over all its connections.</summary>
    private static Task<string[]> CandidatesAsync(PeerPage viewer) => viewer.Page.EvaluateAsync<string[]>(
        """
        async () => {
          const kinds = new Set();
          for (const connection of window.connections) {
            for (const report of (await connection.getStats()).values()) if (report.type === 'local-candidate') kinds.add(report.candidateType);
          }
          return [...kinds].sort();
        }
        """);
}
