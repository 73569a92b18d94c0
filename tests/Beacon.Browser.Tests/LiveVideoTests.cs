using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>
/// The product as people see it: real browsers, real WebRTC, a real server. One collection, so one test at a time: two cores
/// carry one broadcaster and seven viewers that all decode, and no more.
/// </summary>
[Collection(nameof(Browsers))]
public sealed class LiveVideoTests(BrowserFixture fixture) : PagesTests(fixture)
{
    private const long Credit = 1_000_000;

    [Fact]
    public async Task Five_viewers_relay_the_picture_earn_from_it_and_survive_the_loss_of_a_relay()
    {
        var root = await BroadcastAsync("Broadcaster");
        var rootStats = await root.StatsAsync();
        var viewers = new List<PeerPage>();
        for (var i = 1; i <= 4; i++)
            viewers.Add(await WatchAsync($"Viewer {i}", rootStats.StreamId));
        // Claims a hundred megabits and comes last, so nobody is left for it to feed.
        var liar = await WatchAsync("Liar", rootStats.StreamId, uplinkMbps: 100);
        viewers.Add(liar);

        foreach (var viewer in viewers)
            await viewer.SeesTheLivePictureAsync();
        var tree = await TreeAsync(rootStats.StreamId);
        Assert.Equal(6, tree.Count);
        Assert.Equal(2, tree.Values.Count(peer => peer.Parent == rootStats.PeerId));
        Assert.True(tree.Values.Max(peer => peer.Depth) >= 2, "with two children of the root, five viewers make a second level");

        await EverybodyIsPaidRightAsync(rootStats.StreamId, viewers, liar);
        Assert.Equal(0, await Fixture.Rest.BalanceAsync(await root.GuestAsync()));
        await ARelayIsLostAsync(viewers, rootStats);
    }

    [Fact]
    public async Task A_tip_to_a_squad_of_three_arrives_exactly()
    {
        var root = await BroadcastAsync("Squad host");
        var host = await root.GuestAsync();
        var streamId = (await root.StatsAsync()).StreamId;
        var viewer = await WatchAsync("Tipper", streamId);
        var tipper = await viewer.GuestAsync();
        var (second, third) = (await Fixture.Rest.GuestAsync("Second"), await Fixture.Rest.GuestAsync("Third"));
        var banker = await Fixture.Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        Assert.Equal(200, (await Fixture.Rest.PostAsync("/api/deposits", new { accountId = tipper.AccountId, amountMicrocredits = 5 * Credit, transferId = Guid.NewGuid() }, banker)).Status);
        Assert.Equal(200, (await Fixture.Rest.PutAsync($"/api/streams/{streamId}/squad", new
        {
            members = new[] { new { accountId = host.AccountId, shareBps = 5_000 }, new { accountId = second.AccountId, shareBps = 2_500 }, new { accountId = third.AccountId, shareBps = 2_500 } },
        }, host)).Status);

        await viewer.Page.GetByTestId("tip-amount").FillAsync("2");
        await viewer.Page.GetByTestId("tip-send").ClickAsync();
        await viewer.Page.GetByTestId("tip-result").WaitForAsync();

        Assert.Equal(1_000_000, await Fixture.Rest.BalanceAsync(host));
        Assert.Equal(500_000, await Fixture.Rest.BalanceAsync(second));
        Assert.Equal(500_000, await Fixture.Rest.BalanceAsync(third));
        Assert.Equal(3 * Credit, await Fixture.Rest.BalanceAsync(tipper));
    }

    [Fact]
    public async Task The_end_of_a_stream_takes_its_viewers_to_another_whose_picture_they_then_show()
    {
        var target = await BroadcastAsync("Raid target");
        var root = await BroadcastAsync("Raider");
        var (targetStats, rootStats) = (await target.StatsAsync(), await root.StatsAsync());
        var viewers = new[] { await WatchAsync("Raid viewer 1", rootStats.StreamId), await WatchAsync("Raid viewer 2", rootStats.StreamId) };
        foreach (var viewer in viewers)
            await viewer.SeesTheLivePictureAsync();

        var ended = await Fixture.Rest.PostAsync($"/api/streams/{rootStats.StreamId}/end", new { raidTarget = targetStats.StreamId }, await root.GuestAsync());

        Assert.Equal(200, ended.Status);
        foreach (var viewer in viewers)
        {
            await viewer.WaitAsync(stats => stats.StreamId == targetStats.StreamId, "the raid's target");
            await viewer.SeesTheLivePictureAsync();
        }

        var tree = await TreeAsync(targetStats.StreamId);
        Assert.Equal(3, tree.Count);
    }

    [Fact]
    public async Task A_restart_of_the_server_in_the_middle_of_a_stream_goes_by()
    {
        var root = await BroadcastAsync("Restarted");
        var rootStats = await root.StatsAsync();
        var viewers = new[] { await WatchAsync("Patient 1", rootStats.StreamId), await WatchAsync("Patient 2", rootStats.StreamId), await WatchAsync("Patient 3", rootStats.StreamId) };
        foreach (var viewer in viewers)
            await viewer.SeesTheLivePictureAsync();

        // Who follows the directory or a tree does not keep the server from stopping, and follows it again afterwards.
        var directory = await Fixture.VisitAsync("/", Screen.Desktop);
        var card = directory.Locator($"[data-stream-id='{rootStats.StreamId}']");
        await Assertions.Expect(card).ToBeVisibleAsync(new() { Timeout = 30_000 });
        Assert.Equal(0, await Fixture.Server.Process.StopAsync());
        // The pictures go on without a server: it carries no video.
        foreach (var viewer in viewers)
            await viewer.SeesTheLivePictureAsync(seconds: 5);
        await Fixture.Server.StartAsync();

        var tree = await WaitForTreeAsync(rootStats.StreamId, peers: 4);
        Assert.Equal(rootStats.PeerId, tree.Single(peer => peer.Value.Parent.Length == 0).Key);
        foreach (var viewer in viewers)
        {
            await viewer.WaitAsync(stats => tree.TryGetValue(stats.PeerId, out var place) && stats.ParentPeerId.Length > 0 && place.Parent.Length > 0, "a place in the new tree");
            await viewer.SeesTheLivePictureAsync();
        }

        await Assertions.Expect(card).ToContainTextAsync("3 viewers", new() { Timeout = 30_000 });
        await directory.Context.CloseAsync();
    }

    [Fact]
    public async Task A_broadcaster_whose_page_is_loaded_anew_goes_on_with_its_stream()
    {
        var root = await BroadcastAsync("Reloaded");
        var before = await root.StatsAsync();
        var viewers = new[] { await WatchAsync("Loyal 1", before.StreamId), await WatchAsync("Loyal 2", before.StreamId), await WatchAsync("Loyal 3", before.StreamId) };
        var seen = new List<PeerStats>();
        foreach (var viewer in viewers)
            seen.Add(await viewer.SeesTheLivePictureAsync());

        await root.Page.ReloadAsync();

        var after = await root.WaitAsync(stats => stats.StreamId.Length > 0, "its stream again");
        Assert.Equal((before.StreamId, before.PeerId), (after.StreamId, after.PeerId));
        for (var i = 0; i < viewers.Length; i++)
        {
            var stats = await viewers[i].SeesTheLivePictureAsync();
            Assert.True(stats.LastFrameTimestampUs > seen[i].LastFrameTimestampUs);
            Assert.Equal(seen[i].PeerId, stats.PeerId);
        }
    }

    /// <summary>Over at least two windows: who feeds others earns, who never fed anybody does not, whatever it claims.</summary>
    private async Task EverybodyIsPaidRightAsync(string streamId, List<PeerPage> viewers, PeerPage liar)
    {
        // By the tree of the moment, and not by who is fed: a standby is asked for a while when a parent has a hiccup, and earns nothing by that.
        await Until(
            async () =>
            {
                var feeding = (await TreeAsync(streamId)).Values.Select(peer => peer.Parent).ToHashSet(StringComparer.Ordinal);
                foreach (var viewer in viewers)
                {
                    if (feeding.Contains((await viewer.StatsAsync()).PeerId) && await Fixture.Rest.BalanceAsync(await viewer.GuestAsync()) == 0)
                        return false;
                }

                return true;
            },
            "everybody who feeds somebody has earned",
            seconds: 60);

        foreach (var viewer in viewers)
        {
            if ((await viewer.StatsAsync()).BytesRelayed == 0)
                Assert.Equal(0, await Fixture.Rest.BalanceAsync(await viewer.GuestAsync()));
        }

        var liarId = (await liar.StatsAsync()).PeerId;
        Assert.DoesNotContain((await TreeAsync(streamId)).Values, peer => peer.Parent == liarId);
        Assert.Equal(0, await Fixture.Rest.BalanceAsync(await liar.GuestAsync()));
    }

    private async Task ARelayIsLostAsync(List<PeerPage> viewers, PeerStats rootStats)
    {
        var tree = await TreeAsync(rootStats.StreamId);
        var stats = new Dictionary<PeerPage, PeerStats>();
        foreach (var viewer in viewers)
            stats[viewer] = await viewer.StatsAsync();
        var relay = stats.First(pair => tree.Values.Any(peer => peer.Parent == pair.Value.PeerId)).Key;
        var lostId = stats[relay].PeerId;
        var descendants = viewers.Where(viewer => viewer != relay && IsBelow(tree, stats[viewer].PeerId, lostId)).ToArray();
        Assert.NotEmpty(descendants);

        Pages.Remove(relay);
        await relay.CloseAsync();
        var closedAtUs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1_000.0;

        foreach (var descendant in descendants)
            await descendant.WaitAsync(now => now.LastFrameTimestampUs > closedAtUs && now.LastFrameAgeMs < 500, "frames from after the loss", seconds: 2);
        var healed = await WaitForTreeAsync(rootStats.StreamId, peers: 5);
        Assert.DoesNotContain(lostId, healed.Keys);
        foreach (var descendant in descendants)
        {
            Assert.NotEqual(lostId, healed[stats[descendant].PeerId].Parent);
            await descendant.SeesTheLivePictureAsync();
        }
    }

    private async Task<Dictionary<string, (string Parent, int Depth)>> TreeAsync(string streamId)
    {
        var answer = await Fixture.Rest.GetAsync($"/api/streams/{streamId}/tree");
        return answer.Status != 200 ? [] : answer.Body.GetProperty("peers").EnumerateArray().ToDictionary(
            peer => peer.GetProperty("peerId").GetString()!,
            peer => (peer.GetProperty("parentPeerId").GetString() ?? "", peer.GetProperty("depth").GetInt32()));
    }

    private async Task<Dictionary<string, (string Parent, int Depth)>> WaitForTreeAsync(string streamId, int peers)
    {
        Dictionary<string, (string Parent, int Depth)> tree = [];
        await Until(async () => (tree = await TreeAsync(streamId)).Count == peers && tree.Values.Count(peer => peer.Parent.Length == 0) == 1, $"the tree has {peers} peers and one root", seconds: 30);
        return tree;
    }

    private static bool IsBelow(Dictionary<string, (string Parent, int Depth)> tree, string peerId, string ancestorId)
    {
        for (var at = tree[peerId].Parent; at.Length > 0; at = tree[at].Parent)
        {
            if (at == ancestorId)
                return true;
        }

        return false;
    }
}
