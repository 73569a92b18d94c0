namespace Beacon.Browser.Tests;

/// <summary>How long the picture stands still when the browser that feeds it is killed.</summary>
[Collection(nameof(Browsers))]
public sealed class FailOverTests(BrowserFixture fixture) : PagesTests(fixture)
{
    private const int Kills = 20;

    /// <summary>Fifteen pictures a second are 67 ms apart.</summary>
    private const double CalmBreakMs = 110;

    /// <summary>How long calm is waited for, in quarters of a second.</summary>
    private const int MaxCalmTicks = 40;

    private readonly Dictionary<string, (KillableBrowser Browser, PeerPage Page)> _relays = new(StringComparer.Ordinal);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var (browser, _) in _relays.Values)
            await browser.DisposeAsync();
    }

    /// <summary>
    /// The broadcaster has two slots, held by relays in browsers of their own; two leaves are fed by those and have the other as standby.
    /// Again and again the relay that feeds a leaf is killed, and another one started.
    /// </summary>
    [Fact]
    public async Task Twenty_kills_of_the_browser_that_feeds_a_viewer_hardly_show_and_lose_no_frame()
    {
        var root = await BroadcastAsync("Fail-over");
        var streamId = (await root.StatsAsync()).StreamId;
        await StartRelayAsync(streamId);
        await StartRelayAsync(streamId);
        PeerPage[] leaves = [await WatchAsync("Leaf 1", streamId, uplinkMbps: 0), await WatchAsync("Leaf 2", streamId, uplinkMbps: 0)];

        var breaks = new List<double>();
        var losses = new List<string>();
        var (missed, missedInCalm, calmKills) = (0L, 0L, 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            var (victim, fed, isCalm) = await WaitForAVictimAsync(leaves);
            calmKills += isCalm ? 1 : 0;
            var before = new List<PeerStats>();
            foreach (var leaf in fed)
            {
                before.Add(await leaf.StatsAsync());
                await leaf.TakeLongestBreakMsAsync();
            }

            // What the next parent itself went without, nobody can have of it.
            var survivors = _relays.Where(relay => relay.Key != victim).Select(relay => relay.Value.Page).ToList();
            var missedBefore = await MissedAsync(survivors);
            _relays[victim].Browser.Kill();
            for (var i = 0; i < fed.Count; i++)
            {
                await fed[i].WaitAsync(stats => stats.ParentPeerId != victim && stats.FramesDecoded >= before[i].FramesDecoded + 10 && stats.LastFrameAgeMs < 500, "the picture back");
                breaks.Add(await fed[i].TakeLongestBreakMsAsync());
                var chunks = (await fed[i].StatsAsync()).ChunksMissed - before[i].ChunksMissed;
                missed += chunks;
                missedInCalm += isCalm ? chunks : 0;
                if (chunks > 0)
                    losses.Add($"kill {kill}: {fed[i].Name} missed {chunks}, with a break of {breaks[^1]:F0} ms, {(isCalm ? "calm" : "not calm")} before; the other relays missed {await MissedAsync(survivors) - missedBefore}");
            }

            await _relays[victim].Browser.DisposeAsync();
            _relays.Remove(victim);
            if (kill < Kills - 1)
                await StartRelayAsync(streamId);
        }

        breaks.Sort();
        var (p50, p95) = (breaks[(breaks.Count - 1) / 2], breaks[(int)Math.Ceiling(breaks.Count * 0.95) - 1]);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"Longest break after SIGKILL of the parent's browser, {Kills} kills, {breaks.Count} viewers hit: p50 {p50:F0} ms, p95 {p95:F0} ms, chunks missed {missed}, of them {missedInCalm} in the {calmKills} kills before which pictures came evenly. All, in ms: {string.Join(' ', breaks.Select(one => one.ToString("F0", null)))}");
        Assert.True(missedInCalm == 0, string.Join("; ", losses));
        // How long a break is depends on what else the machine does, so the distribution is printed. The browser alone would need six seconds.
        Assert.True(breaks[^1] < 6_000, $"The longest break was {breaks[^1]:F0} ms.");
        // Where pictures come late without any kill, the machine itself loses them: nothing was tried then.
        Assert.SkipWhen(calmKills == 0, $"The machine is too slow for this: before none of {Kills} kills did pictures come at most {CalmBreakMs} ms apart.");
    }

    private static async Task<long> MissedAsync(IEnumerable<PeerPage> pages)
    {
        var missed = 0L;
        foreach (var page in pages)
            missed += (await page.StatsAsync()).ChunksMissed;
        return missed;
    }

    private async Task StartRelayAsync(string streamId)
    {
        var (browser, page) = await Fixture.WatchInOwnBrowserAsync("Relay", streamId, uplinkMbps: 5);
        _relays.Add((await page.StatsAsync()).PeerId, (browser, page));
        // A standby is open before its own parent has sent it anything; who turns to it then begins where it begins.
        await page.WaitAsync(stats => stats.FramesDecoded > 0, "its first picture");
    }

    /// <summary>A relay that feeds a leaf which has the picture and somebody else to go to, and whether pictures come evenly there.</summary>
    private async Task<(string Victim, List<PeerPage> Fed, bool IsCalm)> WaitForAVictimAsync(PeerPage[] leaves)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        var settled = "";
        for (var i = 0; i < 120; i++)
        {
            var byRelay = new Dictionary<string, List<PeerPage>>(StringComparer.Ordinal);
            foreach (var leaf in leaves)
            {
                var stats = await leaf.StatsAsync();
                if (stats is { Parents: [{ StandbyOpen: true } parent], LastFrameAgeMs: < 200 } && parent.ParentPeerId == parent.AssignedPeerId && _relays.ContainsKey(parent.ParentPeerId ?? ""))
                    byRelay.TryAdd(parent.ParentPeerId!, []);
                if (byRelay.TryGetValue(stats.ParentPeerId, out var fed))
                    fed.Add(leaf);
            }

            // The same twice, and the pictures come evenly: nobody is on the way to another place, and the last browser has started.
            var victim = byRelay.Keys.Order(StringComparer.Ordinal).FirstOrDefault() ?? "";
            var isCalm = true;
            foreach (var leaf in byRelay.GetValueOrDefault(victim, []))
                isCalm &= await leaf.TakeLongestBreakMsAsync() < CalmBreakMs;
            if (victim.Length > 0 && victim == settled && (isCalm || i >= MaxCalmTicks))
                return (victim, byRelay[victim], isCalm);
            settled = victim;
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        var views = await Task.WhenAll(leaves.Select(async leaf => $"{leaf.Name}: {string.Join(" ", (await leaf.StatsAsync()).Parents)}"));
        throw new TimeoutException($"Within 30 s no relay ({string.Join(", ", _relays.Keys)}) fed a leaf that had a standby: {string.Join("; ", views)}");
    }
}
