using System.Net;
using System.Text.Json;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>Joining, sharing and healing, over the real protocol.</summary>
public abstract class TreeScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Fact]
    public async Task A_viewer_gets_a_parent_and_both_ends_get_a_ticket()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Ada"));
        await using var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Bo"), root.StreamId);

        var parent = await viewer.ParentAsync();
        var child = (await root.Socket.WaitAsync(ServerFrame.FrameOneofCase.ChildAssigned)).ChildAssigned;

        Assert.Equal(root.PeerId, parent.ParentPeerId);
        Assert.Equal(1u, parent.Depth);
        Assert.Equal("joined", parent.Reason);
        Assert.NotEmpty(parent.Ticket);
        Assert.Equal(viewer.PeerId, child.ChildPeerId);
        Assert.NotEmpty(child.Ticket);
    }

    [Fact]
    public async Task Viewers_relay_to_viewers_when_the_broadcaster_is_full()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Cy"), maxChildren: 2);
        var viewers = new List<SyntheticPeer>();
        for (var i = 0; i < 6; i++)
        {
            viewers.Add(await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync($"Viewer {i}"), root.StreamId));
            await viewers[^1].ParentAsync();
        }

        var tree = (await Rest.GetAsync($"/api/streams/{root.StreamId}/tree")).Body;
        var peers = tree.GetProperty("peers").EnumerateArray().ToDictionary(peer => peer.GetProperty("peerId").GetString()!, peer => peer);

        Assert.Equal(7, peers.Count);
        Assert.Equal(2, peers.Values.Count(peer => Parent(peer) == root.PeerId));
        Assert.Equal(4, peers.Values.Count(peer => Parent(peer).Length > 0 && Parent(peers[Parent(peer)]) == root.PeerId));
        foreach (var viewer in viewers)
            await viewer.DisposeAsync();
    }

    [Fact]
    public async Task A_relay_that_leaves_is_replaced_and_leaves_the_tree()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Di"), maxChildren: 1);
        var relay = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Relay"), root.StreamId);
        await relay.ParentAsync();
        await using var leaf = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Leaf"), root.StreamId);
        Assert.Equal(relay.PeerId, (await leaf.ParentAsync()).ParentPeerId);

        await relay.DisposeAsync();

        var healed = await leaf.ParentAsync();
        Assert.Equal(root.PeerId, healed.ParentPeerId);
        Assert.Equal("parent_left", healed.Reason);
        var tree = (await Rest.GetAsync($"/api/streams/{root.StreamId}/tree")).Text;
        Assert.DoesNotContain(relay.PeerId, tree, StringComparison.Ordinal);
    }

    [Fact]
    public Task A_parent_with_a_latency_over_a_second_loses_its_children() => ABadParentLosesItsChildrenAsync(
        (isBelowBad, bytes) => new MetricsReport { LatencyMs = isBelowBad ? 1_500 : 20, BufferMs = 200, Receipts = { new Receipt { Bytes = bytes } } });

    [Fact]
    public Task A_parent_whose_children_starve_loses_them() => ABadParentLosesItsChildrenAsync(
        // The parent itself receives 0.8 Mbit/s all along; its children get a tenth of it.
        (isBelowBad, bytes) => new MetricsReport { LatencyMs = 20, BufferMs = 0, Receipts = { new Receipt { Bytes = isBelowBad ? bytes / 10 : bytes } } });

    [Fact]
    public async Task A_relay_that_only_its_children_see_cheating_loses_them()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Kay"), maxChildren: 2);
        var viewers = new List<(SyntheticPeer Peer, string Parent)>();
        foreach (var name in new[] { "Relay 1", "Relay 2", "Child 1", "Child 2", "Child 3" })
        {
            var peer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync(name), root.StreamId);
            viewers.Add((peer, (await peer.ParentAsync()).ParentPeerId));
        }

        var cheat = viewers.Skip(2).GroupBy(viewer => viewer.Parent).Single(children => children.Count() == 2);
        foreach (var (child, parent) in cheat)
        {
            await child.ReportAsync(new MetricsReport { LatencyMs = 20, Faults = { new ParentFault { ParentPeerId = parent, Kind = FaultKind.BadChunk } } });
            var assigned = await child.ParentAsync();
            Assert.Equal("parent_degraded", assigned.Reason);
            Assert.NotEqual(parent, assigned.ParentPeerId);
        }

        var tree = (await Rest.GetAsync($"/api/streams/{root.StreamId}/tree")).Body.GetProperty("peers").EnumerateArray();
        Assert.Equal("PEER_HEALTH_DEGRADED", tree.Single(peer => peer.GetProperty("peerId").GetString() == cheat.Key).GetProperty("health").GetString());
        foreach (var (peer, _) in viewers)
            await peer.DisposeAsync();
    }

    /// <summary>Two relays below the broadcaster, one of them bad in the eyes of its children: these must be moved to healthier peers.</summary>
    /// <param name="report">What a peer sees, by whether its parent is the bad one and the bytes that a good parent would have sent so far.</param>
    private async Task ABadParentLosesItsChildrenAsync(Func<bool, ulong, MetricsReport> report)
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Ed"), maxChildren: 2);
        var viewers = new List<(SyntheticPeer Peer, string Parent)>();
        foreach (var name in new[] { "Bad", "Good", "Child 1", "Child 2", "Child 3" })
        {
            var peer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync(name), root.StreamId);
            viewers.Add((peer, (await peer.ParentAsync()).ParentPeerId));
        }

        var bad = viewers[0].Peer;
        var moved = viewers.First(viewer => viewer.Parent == bad.PeerId).Peer.ParentAsync();
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(2));
        for (ulong bytes = 200_000; !moved.IsCompleted; bytes += 200_000)
        {
            foreach (var (peer, parent) in viewers)
            {
                var seen = report(parent == bad.PeerId, bytes);
                seen.Receipts[0].ParentPeerId = parent;
                await peer.ReportAsync(seen);
            }

            await root.ReportAsync(new MetricsReport { LatencyMs = 1 });
            await Task.WhenAny(moved, tick.WaitForNextTickAsync(TestContext.Current.CancellationToken).AsTask());
        }

        var assigned = await moved;
        Assert.Equal("parent_degraded", assigned.Reason);
        Assert.NotEqual(bad.PeerId, assigned.ParentPeerId);
        foreach (var (peer, _) in viewers)
            await peer.DisposeAsync();
    }

    [Fact]
    public async Task Signals_go_between_parent_and_child_and_nowhere_else()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Flo"), maxChildren: 1);
        await using var child = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Child"), root.StreamId);
        var parent = await child.ParentAsync();
        await using var grandchild = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Grandchild"), root.StreamId);
        await grandchild.ParentAsync();

        await child.Socket.SendAsync(new ClientFrame { Signal = new Signal { StreamId = root.StreamId, PeerId = root.PeerId, Offer = "v=0", Ticket = parent.Ticket } });
        var offer = (await root.Socket.WaitAsync(ServerFrame.FrameOneofCase.Signal)).Signal;
        Assert.Equal(child.PeerId, offer.PeerId);
        Assert.Equal("v=0", offer.Offer);
        Assert.Equal(parent.Ticket, offer.Ticket);

        var refused = await grandchild.Socket.AskAsync(new ClientFrame { Signal = new Signal { StreamId = root.StreamId, PeerId = root.PeerId, Offer = "v=0" } });
        Assert.Equal("not_a_neighbour", refused.Error.Reason);
        Assert.Equal(0, root.Socket.Count(ServerFrame.FrameOneofCase.Signal));
    }

    [Fact]
    public async Task A_peers_place_can_be_explained()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Gil"));
        await using var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Hu"), root.StreamId);
        await viewer.ParentAsync();

        var explained = (await Rest.GetAsync($"/api/streams/{root.StreamId}/peers/{viewer.PeerId}/explain")).Body;

        Assert.Equal("joined", explained.GetProperty("reason").GetString());
        var chosen = Assert.Single(explained.GetProperty("candidates").EnumerateArray(), candidate => candidate.GetProperty("chosen").GetBoolean());
        Assert.Equal(root.PeerId, chosen.GetProperty("peerId").GetString());
    }

    [Fact]
    public async Task A_trees_changes_come_line_by_line_through_the_public_gateway_until_the_stream_ends()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Ida"));
        using var http = new HttpClient { BaseAddress = Server.Http };
        using var response = await http.GetAsync($"/api/streams/{root.StreamId}/tree/changes", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        var snapshot = (await NextAsync("snapshot")).GetProperty("peers").EnumerateArray();
        Assert.Equal(root.PeerId, Assert.Single(snapshot).GetProperty("peerId").GetString());

        var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Jo"), root.StreamId);
        var joined = await ChangeOfAsync(viewer.PeerId);
        Assert.Equal(("TREE_CHANGE_KIND_JOINED", root.PeerId), (joined.GetProperty("kind").GetString(), Parent(joined.GetProperty("peer"))));
        await viewer.DisposeAsync();
        JsonElement left;
        do
            left = await ChangeOfAsync(viewer.PeerId);
        while (left.GetProperty("kind").GetString() != "TREE_CHANGE_KIND_LEFT");

        await root.Socket.SendAsync(new ClientFrame { EndStream = new EndStream { StreamId = root.StreamId } });
        await NextAsync("ended");
        Assert.Null(await lines.ReadLineAsync(Cancellation));

        using var unknown = await http.GetAsync($"/api/streams/{Guid.CreateVersion7()}/tree/changes", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Contains("unknown_stream", await unknown.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        async Task<JsonElement> ChangeOfAsync(string peerId)
        {
            while (true)
            {
                foreach (var change in (await NextAsync("changes")).GetProperty("changes").EnumerateArray())
                {
                    if (change.GetProperty("peer").GetProperty("peerId").GetString() == peerId)
                        return change;
                }
            }
        }

        // What else comes in between, a heartbeat or other changes, is passed over.
        async Task<JsonElement> NextAsync(string kind)
        {
            while (true)
            {
                var line = await lines.ReadLineAsync(Cancellation);
                Assert.NotNull(line);
                if (JsonDocument.Parse(line).RootElement.TryGetProperty(kind, out var message))
                    return message;
            }
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Parent(JsonElement peer) => peer.GetProperty("parentPeerId").GetString() ?? "";
}
