using System.Globalization;
using Beacon.Testing;

namespace Beacon.Browser.Tests;

/// <summary>A server with a real coturn beside it.</summary>
public sealed class BehindTurn : BrowserFixture
{
    private const string Secret = "a secret of the turn server";
    private readonly TurnServer _turn;

    public BehindTurn() : this(new TurnServer(Secret, Ports.Free()))
    {
    }

    private BehindTurn(TurnServer turn) : base(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Beacon:Signaling:TurnUrls:0"] = string.Create(CultureInfo.InvariantCulture, $"turn:127.0.0.1:{turn.Port}?transport=udp"),
        ["Beacon:Signaling:TurnSecret"] = Secret,
    })
    {
        _turn = turn;
        _turn.Start();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _turn.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Viewers that show the others no address of their own.</summary>
[Collection(nameof(Browsers))]
public sealed class HiddenAddressTests(BehindTurn fixture) : PagesTests(fixture), IClassFixture<BehindTurn>
{
    /// <summary>Keeps the page's connections where the test can ask them.</summary>
    private const string Observed =
        """
        const connections = [];
        window.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(...args) {
            super(...args);
            connections.push(this);
          }
        };
        window.localCandidates = async () => {
          const reports = (await Promise.all(connections.filter((one) => one.connectionState === 'connected').map((one) => one.getStats()))).flatMap((stats) => [...stats.values()]);
          const used = new Set(reports.filter((one) => one.type === 'candidate-pair' && one.nominated).map((one) => one.localCandidateId));
          return reports.filter((one) => used.has(one.id)).map((one) => one.candidateType);
        };
        """;

    [Fact]
    public async Task A_viewer_that_hides_its_address_gets_the_picture_through_the_turn_server_alone()
    {
        TurnServer.RequireInstalled();
        var root = await BroadcastAsync("Watched in hiding");
        var streamId = (await root.StatsAsync()).StreamId;
        var shown = await WatchAsync("Has nothing to hide", streamId, script: Observed);
        var hidden = await WatchAsync("Hides", streamId, script: Observed, relayOnly: true);

        foreach (var viewer in new[] { shown, hidden })
            await viewer.SeesTheLivePictureAsync();

        var ways = await hidden.Page.EvaluateAsync<string[]>("() => localCandidates()");
        Assert.NotEmpty(ways);
        Assert.All(ways, way => Assert.Equal("relay", way));
        // The other one may use a relay too, for it has been given one, but shows its own address all the same.
        Assert.Contains("host", await shown.Page.EvaluateAsync<string[]>("() => localCandidates()"));
    }
}
