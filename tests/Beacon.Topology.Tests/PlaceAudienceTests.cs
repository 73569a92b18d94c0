using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Grpc.Core;

namespace Beacon.Topology.Tests;

/// <summary>Viewers of one stream that get places in another.</summary>
public sealed class PlaceAudienceTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private static readonly string RaidId = Guid.CreateVersion7().ToString();

    [Fact]
    public async Task Viewers_are_known_in_the_target_with_their_neighbours_and_join_as_who_they_are()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var (source, target) = (new StreamRig(host), new StreamRig(host));
        await source.Start();
        await target.Start();
        for (var viewer = 0; viewer < 8; viewer++)
            await source.Join($"p{viewer}");
        await target.Join("own");
        var before = await source.Tree();

        var request = Request(source, target, [.. Enumerable.Range(0, 8).Select(viewer => $"p{viewer}"), "root", "nobody"]);
        Assert.Equal(new PlaceAudienceResponse { Placed = 8, Absent = 2 }, await host.Edge.PlaceAudienceAsync(request, host.Token));

        var places = Enumerable.Range(0, 8).Select(viewer => PlaceOf(target, $"p{viewer}")).ToList();
        var tree = await target.Tree();
        Assert.Equal(places.Append("own").Append("root").Order(StringComparer.Ordinal), tree.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), (await source.Tree()).Keys.Order(StringComparer.Ordinal));
        // The same again, as after a crash, moves nobody.
        Assert.Equal(new PlaceAudienceResponse { Known = 8, Absent = 2 }, await host.Edge.PlaceAudienceAsync(request, host.Token));
        Assert.Equal(tree.Values.Select(Place).Order(), (await target.Tree()).Values.Select(Place).Order());

        // Who comes under its id has the place already, and is told of it.
        var identity = StreamRig.Peer(places[3], account: "account-p3");
        await host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = target.Id, Peer = identity, UplinkMbps = 10, LatencyMs = 20 }, host.Token);
        Assert.Equal(tree.Values.Select(Place).Order(), (await target.Tree()).Values.Select(Place).Order());

        // Who does not come is taken out by its edge.
        await host.Edge.LeaveStreamAsync(new LeaveStreamRequest { StreamId = target.Id, PeerId = places[0], EdgeId = "edge-1" }, host.Token);
        Assert.DoesNotContain(places[0], (await target.Tree()).Keys);

        static (string, string) Place(TreePeer peer) => (peer.PeerId, peer.ParentPeerId);
    }

    [Fact]
    public async Task What_cannot_be_asked_is_refused_and_places_nobody()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var (source, target) = (new StreamRig(host), new StreamRig(host));
        await source.Start();
        await target.Start();
        await source.Join("p0");
        await StreamRig.Fails("missing_token", StatusCode.Unauthenticated, () => host.Edge.PlaceAudienceAsync(Request(source, target, "p0")).ResponseAsync);
        await Fails("invalid_batch", StatusCode.InvalidArgument, Request(source, target));
        await Fails("invalid_batch", StatusCode.InvalidArgument, Request(source, target, [.. Enumerable.Range(0, 1_025).Select(peer => $"p{peer}")]));
        await Fails("invalid_raid_id", StatusCode.InvalidArgument, With(request => request.RaidId = "a raid"));
        await Fails("invalid_stream_id", StatusCode.InvalidArgument, With(request => request.TargetStreamId = "a stream"));
        await Fails("unknown_stream", StatusCode.NotFound, With(request => request.SourceStreamId = Guid.CreateVersion7().ToString()));
        await Fails("unknown_stream", StatusCode.NotFound, With(request => request.TargetStreamId = Guid.CreateVersion7().ToString()));
        Assert.Equal(["root"], (await target.Tree()).Keys);

        PlaceAudienceRequest With(Action<PlaceAudienceRequest> change)
        {
            var request = Request(source, target, "p0");
            change(request);
            return request;
        }

        Task Fails(string reason, StatusCode status, PlaceAudienceRequest request) =>
            StreamRig.Fails(reason, status, () => host.Edge.PlaceAudienceAsync(request, host.Token).ResponseAsync);
    }

    private static PlaceAudienceRequest Request(StreamRig source, StreamRig target, params string[] peerIds) =>
        new() { RaidId = RaidId, SourceStreamId = source.Id, TargetStreamId = target.Id, PeerIds = { peerIds } };

    private static string PlaceOf(StreamRig target, string peerId) => RaidPlace.PeerId(RaidId, target.Id, peerId);
}
