using System.Globalization;
using System.Net;
using System.Text.Json;
using Beacon.Contracts.Topology.V1;
using Grpc.Core;

namespace Beacon.Topology.Tests;

/// <summary>A large tree, read whole and in pages.</summary>
public sealed class SnapshotTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private const int Viewers = 10_000;

    [Fact]
    public async Task A_tree_of_10000_viewers_is_read_in_pages_over_grpc_and_rest_and_watched_in_parts()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var stream = new StreamRig(host);
        await stream.Start();
        for (var first = 0; first < Viewers; first += 1_000)
        {
            var request = new ImportAudienceRequest { StreamId = stream.Id };
            request.Arrivals.Add(Enumerable.Range(first, 1_000).Select(viewer => new AudienceArrival { Peer = StreamRig.Peer(Id(viewer)), UplinkMbps = 3, LatencyMs = 20 }));
            var imported = await host.Edge.ImportAudienceAsync(request, host.Token);
            Assert.Equal(new ImportAudienceResponse { Placed = 1_000 }, imported);
        }

        // The largest page holds 10,000; the eleventh page of a thousand is the last viewer.
        var most = await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageSize = 10_000 });
        Assert.Equal(10_000, most.Peers.Count);
        var rest = await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageSize = 10_000, PageToken = most.NextPageToken });
        Assert.Equal("", rest.NextPageToken);
        var whole = most.Peers.Concat(rest.Peers).ToList();
        Assert.Equal([.. Enumerable.Range(0, Viewers).Select(Id).Append("root").Order(StringComparer.Ordinal)], whole.Select(peer => peer.PeerId).Order(StringComparer.Ordinal));
        var above = new HashSet<string>(StringComparer.Ordinal) { "" };
        Assert.All(whole, peer => Assert.True(above.Contains(peer.ParentPeerId) && above.Add(peer.PeerId)));

        using var client = host.Rest();
        var paged = new List<string>();
        var token = "";
        var pages = 0;
        do
        {
            using var page = JsonDocument.Parse(await client.GetStringAsync($"/api/streams/{stream.Id}/tree?pageToken={Uri.EscapeDataString(token)}", TestContext.Current.CancellationToken));
            paged.AddRange(page.RootElement.GetProperty("peers").EnumerateArray().Select(peer => peer.GetProperty("peerId").GetString()!));
            token = page.RootElement.GetProperty("nextPageToken").GetString()!;
            pages++;
        }
        while (token.Length > 0);
        Assert.Equal(11, pages);
        Assert.Equal(whole.Select(peer => peer.PeerId), paged);

        await using var watch = host.Watch(stream.Id);
        var parts = new List<TreeSnapshot>();
        while (parts.Count == 0 || parts[^1].More)
        {
            Assert.True(await watch.MoveNextAsync());
            parts.Add(watch.Current.Snapshot);
        }

        Assert.Equal([.. Enumerable.Repeat(1_000, 10), 1], parts.Select(part => part.Peers.Count));
        Assert.Equal(whole.OrderBy(peer => peer.PeerId, StringComparer.Ordinal), parts.SelectMany(part => part.Peers).OrderBy(peer => peer.PeerId, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Pages_go_on_where_they_stopped_while_others_come_and_go()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var stream = new StreamRig(host);
        await stream.Start(maxChildren: 4);
        for (var peer = 0; peer < 40; peer++)
            await stream.Join(Id(peer), uplinkMbps: 2.5);
        var first = await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageSize = 20 });
        var expected = (await stream.Tree()).Keys.Skip(20).ToList();
        // A leaf of the first page leaves: by number alone the next page would begin one too late.
        var leaf = first.Peers.Take(19).Last(peer => peer.Children == 0);
        await stream.Leave(leaf.PeerId);
        var second = await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageSize = 100, PageToken = first.NextPageToken });
        Assert.Empty(expected.Except(second.Peers.Select(peer => peer.PeerId)));
        // Even when the last peer of the page is gone, the token holds.
        await stream.Leave(first.Peers[^1].PeerId);
        Assert.NotEmpty((await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageToken = first.NextPageToken })).Peers);
        foreach (var token in new[] { "x", "-", "20", "0-p", "-1-p", "99999999999-p" })
            await StreamRig.Fails("invalid_page_token", StatusCode.InvalidArgument, () => host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id, PageToken = token }).ResponseAsync);
        using var client = host.Rest();
        using var bad = await client.GetAsync($"/api/streams/{stream.Id}/tree?pageSize=10001", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        Assert.Contains("invalid_page_size", await bad.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_equal_parents_the_one_of_the_same_region_is_taken_also_by_a_new_owner()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var stream = new StreamRig(host);
        await stream.Start(maxChildren: 4);
        foreach (var region in new[] { "north", "south", "east", "west" })
            await Join(region, region, uplinkMbps: 2.5);
        await host.DeactivateAsync(stream.Id);
        await Join("of-west", "west");
        await Join("of-south", "south");
        var tree = await stream.Tree();
        Assert.Equal(("west", "south"), (tree["of-west"].ParentPeerId, tree["of-south"].ParentPeerId));
        await StreamRig.Fails("invalid_peer", StatusCode.InvalidArgument, () => Join("bad", new string('x', 65)));

        async Task Join(string id, string region, double uplinkMbps = 0)
        {
            var peer = StreamRig.Peer(id);
            peer.Region = region;
            await host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = stream.Id, Peer = peer, UplinkMbps = uplinkMbps, LatencyMs = 20 }, host.Token);
        }
    }

    private static string Id(int viewer) => string.Create(CultureInfo.InvariantCulture, $"v{viewer:D5}");
}
