namespace Beacon.Browser.Tests;

/// <summary>A server that settles and judges every four seconds.</summary>
public sealed class ShortWindows() : BrowserFixture(new Dictionary<string, string>(StringComparer.Ordinal) { ["Beacon:Topology:WindowMs"] = "4000" });

/// <summary>Relays that stay connected and cheat: whom they feed keeps the picture, and they lose their children and their pay.</summary>
[Collection(nameof(Browsers))]
public sealed class BadRelayTests(ShortWindows fixture) : PagesTests(fixture), IClassFixture<ShortWindows>
{
    /// <summary>An honest page until <c>window.mischief</c> is set; then it touches what it forwards, below everything that the SDK can see.</summary>
    private const string Crook =
        """
        (() => {
          let kept, sent = 0;
          const mischief = {
            flip: (bytes) => {
              const copy = bytes.slice();
              copy[copy.length - 1] ^= 1;
              return [copy];
            },
            replay: (bytes) => [(kept ??= bytes.slice())],
            drop: (bytes) => (sent++ % 10 === 9 ? [] : [bytes]),
            stop: () => [],
          };
          const send = RTCDataChannel.prototype.send;
          RTCDataChannel.prototype.send = function (data) {
            const act = typeof data === 'string' ? undefined : mischief[window.mischief];
            for (const message of act ? act(data) : [data]) send.call(this, message);
          };
        })();
        """;

    private const int PatienceSeconds = 60;

    [Fact]
    public Task A_relay_that_flips_a_bit_costs_its_viewer_no_picture_and_itself_its_children_and_its_pay() => CheatsAsync("flip");

    [Fact]
    public Task A_relay_that_replays_old_chunks_costs_its_viewer_no_picture_and_itself_its_children_and_its_pay() => CheatsAsync("replay");

    [Fact]
    public Task A_relay_that_drops_every_tenth_chunk_costs_its_viewer_no_picture_and_itself_its_children_and_its_pay() => CheatsAsync("drop");

    [Fact]
    public Task A_relay_that_stops_forwarding_costs_its_viewer_no_picture_and_itself_its_children_and_its_pay() => CheatsAsync("stop");

    private async Task CheatsAsync(string mischief)
    {
        // The broadcaster's two slots are the relays', so the two others are fed by these: by one each, or both by one.
        var root = await BroadcastAsync($"Cheated: {mischief}");
        var streamId = (await root.StatsAsync()).StreamId;
        PeerPage[] relays = [await WatchAsync("Relay 1", streamId, script: Crook), await WatchAsync("Relay 2", streamId, script: Crook)];
        PeerPage[] leaves = [await WatchAsync("Leaf 1", streamId, uplinkMbps: 0), await WatchAsync("Leaf 2", streamId, uplinkMbps: 0)];
        var ids = new List<string>();
        foreach (var relay in relays)
            ids.Add((await relay.StatsAsync()).PeerId);
        var victim = leaves[0];
        async Task<PeerStats> FedAsync() => await victim.WaitAsync(
            stats => ids.Contains(stats.ParentPeerId) && stats is { Parents: [{ StandbyOpen: true }], FramesDecoded: > 10 }, "a relay, a standby and the picture", PatienceSeconds);
        var crookId = (await FedAsync()).ParentPeerId;
        var (crook, honest) = crookId == ids[0] ? (relays[0], relays[1]) : (relays[1], relays[0]);
        await HasEarned(crook, more: 1);
        var before = await FedAsync();
        Assert.Equal(crookId, before.ParentPeerId);
        await victim.TakeLongestBreakMsAsync();

        await crook.Page.EvaluateAsync("kind => { window.mischief = kind; }", mischief);

        await victim.WaitAsync(stats => stats.ParentPeerId.Length > 0 && stats.ParentPeerId != crookId, "another parent", PatienceSeconds);
        foreach (var leaf in leaves)
            await leaf.SeesTheLivePictureAsync();
        // How long depends on the machine; clients/relay has the same cheats with a bound. Missing there is nothing either way.
        TestContext.Current.TestOutputHelper?.WriteLine($"{mischief}: longest break {await victim.TakeLongestBreakMsAsync():F0} ms");
        Assert.Equal(before.ChunksMissed, (await victim.StatsAsync()).ChunksMissed);

        await Until(async () => !(await ParentsAsync(streamId)).Contains(crookId), "the relay has no children any more", PatienceSeconds, () => SeenAsync(streamId));
        // What it did before it cheated is paid for two windows later, and then nothing is.
        await HasEarned(honest, more: 3);
        var paid = await Fixture.Rest.BalanceAsync(await crook.GuestAsync());
        await HasEarned(honest, more: 2);
        Assert.Equal(paid, await Fixture.Rest.BalanceAsync(await crook.GuestAsync()));
        foreach (var leaf in leaves)
            await leaf.SeesTheLivePictureAsync();
        Assert.Equal(before.ChunksMissed, (await victim.StatsAsync()).ChunksMissed);
    }

    /// <summary>The tree as the server has it, and what the pages make of it.</summary>
    private async Task<string> SeenAsync(string streamId)
    {
        var pages = await Task.WhenAll(Pages.Select(async page => $"{page.Name}: {await page.Page.EvaluateAsync<string>("() => JSON.stringify(window.beacon.stats())")}"));
        return $"{(await Fixture.Rest.GetAsync($"/api/streams/{streamId}/tree")).Body}\n{string.Join('\n', pages)}";
    }

    private async Task<HashSet<string>> ParentsAsync(string streamId)
    {
        var answer = await Fixture.Rest.GetAsync($"/api/streams/{streamId}/tree");
        Assert.Equal(200, answer.Status);
        return [.. answer.Body.GetProperty("peers").EnumerateArray().Select(peer => peer.GetProperty("parentPeerId").GetString() ?? "")];
    }

    /// <summary>Waits until the page's account has been paid so many times more.</summary>
    private async Task HasEarned(PeerPage page, int more)
    {
        var account = await page.GuestAsync();
        for (var payment = 1; payment <= more; payment++)
        {
            var balance = await Fixture.Rest.BalanceAsync(account);
            await Until(async () => await Fixture.Rest.BalanceAsync(account) > balance, $"{page.Name} is paid, {payment} of {more}", PatienceSeconds);
        }
    }
}
