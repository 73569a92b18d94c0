using System.Security.Cryptography;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Beacon.Topology.Tests;

/// <summary>The service with its chunks dealt over one, two and four stripes.</summary>
public sealed class StripeServiceTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Every_viewer_has_a_place_in_every_stripe_relays_in_one_and_a_new_owner_finds_it_all(int stripes)
    {
        await using var host = await Host(stripes);
        var stream = new StreamRig(host);
        Assert.Equal((uint)stripes, (await stream.Start()).Stripes);
        for (var peer = 0; peer < 12; peer++)
            await stream.Join($"p{peer:D2}", uplinkMbps: 2.5 + (peer % 3));
        await stream.Leave("p03", "p04", "p07");
        var trees = new List<Dictionary<string, TreePeer>>();
        for (var stripe = 0u; stripe < stripes; stripe++)
        {
            trees.Add(await stream.Tree(stripe));
            Assert.Equal(10, trees[^1].Count);
            Assert.All(trees[^1].Values, peer => Assert.Equal(PeerHealth.Good, peer.Health));
            Assert.All(trees[^1].Values.Where(peer => peer.PeerId != "root"), peer => Assert.True(trees[^1].ContainsKey(peer.ParentPeerId)));
            var explained = await host.Queries.ExplainPeerAsync(new ExplainPeerRequest { StreamId = stream.Id, PeerId = "p11", Stripe = stripe });
            Assert.Equal(trees[^1]["p11"].ParentPeerId, explained.Candidates.Single(candidate => candidate.Chosen).PeerId);
            Assert.Contains(host.Sent.DirectivesTo("p11"), directive => directive.Stripe == stripe && directive.Kind == DirectiveKind.ParentAssigned);
            var versions = host.Sent.DirectivesTo("p11").Where(directive => directive.Stripe == stripe).Select(directive => directive.Version).ToList();
            Assert.Equal(versions.Order().Distinct(), versions);
        }

        await StreamRig.Fails("invalid_stripe", StatusCode.InvalidArgument, () => stream.Tree((uint)stripes));
        foreach (var id in trees[0].Keys.Where(id => id != "root"))
            Assert.InRange(trees.Count(tree => tree[id].Children > 0), 0, 1);
        var before = (await host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = stream.Id })).Stream;
        await host.DeactivateAsync(stream.Id);
        for (var stripe = 0; stripe < stripes; stripe++)
        {
            var after = await stream.Tree((uint)stripe);
            Assert.Equal(trees[stripe].Values.Select(Place).Order(), after.Values.Select(Place).Order());
            // A new owner may find standbys for more.
            Assert.All(trees[stripe].Values.Where(peer => peer.StandbyPeerId.Length > 0), peer => Assert.Equal(peer.StandbyPeerId, after[peer.PeerId].StandbyPeerId));
        }

        Assert.Equal(before, (await host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = stream.Id })).Stream);

        static (string, string, uint, uint) Place(TreePeer peer) => (peer.PeerId, peer.ParentPeerId, peer.Depth, peer.Slots);
    }

    [Fact]
    public async Task A_stream_keeps_the_stripes_that_it_began_with()
    {
        await using var host = await Host(2);
        await using var later = await Host(4);
        var stream = new StreamRig(host);
        await stream.Start();
        await stream.Join("a");
        await host.DeactivateAsync(stream.Id);
        Assert.Equal(2u, (await later.Queries.GetStreamAsync(new GetStreamRequest { StreamId = stream.Id })).Stream.Stripes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task A_window_is_settled_once_with_the_sum_over_its_stripes(int stripes)
    {
        await using var host = await Host(stripes);
        var stream = new StreamRig(host);
        await stream.Start(maxChildren: 1);
        // Each stripe's tree needs the relays that have their home there.
        for (var peer = 0; peer < 2 * stripes; peer++)
            await stream.Join($"relay{peer}", uplinkMbps: 2.5);
        await stream.Join("leaf", uplinkMbps: 0);
        var trees = new List<Dictionary<string, TreePeer>>();
        for (var stripe = 0u; stripe < stripes; stripe++)
            trees.Add(await stream.Tree(stripe));
        host.Clock.Advance(TimeSpan.FromMilliseconds(10_000 - (host.Clock.GetUtcNow().ToUnixTimeMilliseconds() % 10_000)));
        var digest = SHA256.HashData([1, 2, 3]);
        await Report(digests: [.. Enumerable.Range(0, stripes).Select(stripe => new RootDigest { StreamId = stream.Id, PeerId = "root", Stripe = (uint)stripe, Sequence = 7, Digest = ByteString.CopyFrom(digest) })]);
        var challenge = Assert.Single(host.Sent.All<ChallengeIssued>());
        Assert.Equal(challenge.Window % stripes, challenge.Stripe);

        // Every edge of every stripe moves 10,000 bytes, as both ends say.
        foreach (var bytes in new[] { 0ul, 10_000ul })
        {
            await Report(reports: [.. trees[0].Keys.Select(id =>
            {
                var report = new PeerReport { StreamId = stream.Id, PeerId = id, LatencyMs = 20 };
                for (var stripe = 0; stripe < stripes; stripe++)
                {
                    if (trees[stripe][id].ParentPeerId is { Length: > 0 } parent)
                        report.Receipts.Add(new PeerReceipt { ParentPeerId = parent, Stripe = (uint)stripe, Bytes = bytes });
                    foreach (var child in trees[stripe].Values.Where(child => child.ParentPeerId == id))
                        report.Claims.Add(new PeerClaim { ChildPeerId = child.PeerId, Stripe = (uint)stripe, Bytes = bytes });
                }

                report.AnswerWindow = (ulong)challenge.Window;
                report.AnswerHmac = ByteString.CopyFrom(HMACSHA256.HashData(challenge.Nonce, (byte[])[.. digest, .. System.Text.Encoding.ASCII.GetBytes(id)]));
                return report;
            })]);
        }

        var expected = trees.SelectMany(tree => tree.Values).Where(peer => peer.PeerId != "root" && peer.Children > 0)
            .GroupBy(peer => peer.PeerId)
            .Select(peer => new VerifiedRelay(
                $"account-{peer.Key}",
                peer.Sum(place => place.Children * 10_000L),
                trees.SelectMany(tree => tree.Values).Where(child => child.ParentPeerId == peer.Key).Select(child => child.PeerId).Distinct(StringComparer.Ordinal).Count()))
            .OrderBy(relay => relay.AccountId, StringComparer.Ordinal)
            .ToList();
        await stream.Pass(10_000);
        await Report(reports: [.. trees[0].Keys.Select(id => new PeerReport { StreamId = stream.Id, PeerId = id, LatencyMs = 20 })]);
        await stream.Pass(10_000);
        await stream.Pass(1);
        var verified = Assert.Single(host.Sent.All<RelayWorkVerified>());
        Assert.Equal(challenge.Window, verified.Window);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, verified.Relays);

        Task Report(PeerReport[]? reports = null, RootDigest[]? digests = null) =>
            host.Edge.ReportMetricsAsync(new ReportMetricsRequest { EdgeId = "edge-1", Reports = { reports ?? [] }, Digests = { digests ?? [] } }, host.Token).ResponseAsync;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task An_audience_comes_with_its_shape_and_who_is_here_stays_as_he_is(int stripes)
    {
        await using var host = await Host(stripes);
        var stream = new StreamRig(host);
        await stream.Start();
        // Relays in every stripe.
        var here = Enumerable.Range(0, 8).Select(viewer => $"here{viewer}").ToList();
        foreach (var id in here)
            await stream.Join(id, uplinkMbps: 2.5);
        var request = new ImportAudienceRequest { StreamId = stream.Id };
        request.Arrivals.Add(Arrival("top", 2.5));
        request.Arrivals.Add(Arrival("left", 2.5, "top"));
        request.Arrivals.Add(Arrival("right", 2.5, "top"));
        request.Arrivals.Add(Arrival("below", 2.5, "left"));
        request.Arrivals.Add(Arrival("here0", 0));
        request.Arrivals.Add(Arrival("left", 0));
        var before = await stream.Tree();
        var imported = await host.Edge.ImportAudienceAsync(request, host.Token);
        Assert.Equal(new ImportAudienceResponse { Placed = 4, Known = 2 }, imported);
        for (var stripe = 0u; stripe < stripes; stripe++)
            Assert.Equal([.. here.Concat(["below", "left", "right", "root", "top"]).Order()], (await stream.Tree(stripe)).Keys.Order());
        if (stripes == 1)
        {
            var tree = await stream.Tree();
            Assert.All(here, id => Assert.Equal(before[id].ParentPeerId, tree[id].ParentPeerId));
            // On the third level there is room for all four, and a level counts more than a neighbour.
            Assert.All(request.Arrivals.Take(4), arrival => Assert.Equal(3u, tree[arrival.Peer.PeerId].Depth));
        }

        Assert.Contains(host.Sent.DirectivesTo("below"), directive => directive.Kind == DirectiveKind.ParentAssigned);
        request.Arrivals.Clear();
        await StreamRig.Fails("invalid_batch", StatusCode.InvalidArgument, () => host.Edge.ImportAudienceAsync(request, host.Token).ResponseAsync);
        request.Arrivals.Add(Enumerable.Range(0, 1_025).Select(peer => Arrival($"p{peer}", 0)));
        await StreamRig.Fails("invalid_batch", StatusCode.InvalidArgument, () => host.Edge.ImportAudienceAsync(request, host.Token).ResponseAsync);
        await StreamRig.Fails("missing_token", StatusCode.Unauthenticated, () => host.Edge.ImportAudienceAsync(request).ResponseAsync);
        request.Arrivals.RemoveAt(1_024);
        imported = await host.Edge.ImportAudienceAsync(request, host.Token);
        Assert.Equal(1_024u, imported.Placed + imported.Waiting);
        Assert.True(imported.Waiting > 0);
        request.StreamId = Guid.CreateVersion7().ToString();
        await StreamRig.Fails("unknown_stream", StatusCode.NotFound, () => host.Edge.ImportAudienceAsync(request, host.Token).ResponseAsync);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_squad_member_takes_over_with_the_trees_intact(int stripes)
    {
        await using var host = await Host(stripes);
        var stream = new StreamRig(host);
        await stream.Start();
        // Without the heir's uplink each stripe still has a relay.
        var viewers = Enumerable.Range(0, 9).Select(viewer => $"p{viewer}").ToList();
        foreach (var id in viewers.Append("heir"))
            await stream.Join(id, uplinkMbps: 2.5);
        var request = new HandoverRequest { StreamId = stream.Id, PeerId = "heir", AccountId = "account-heir", UplinkMbps = 50, MaxChildren = 2 };
        await Refused("unknown_peer", StatusCode.NotFound, other => other.PeerId = "nobody");
        await Refused("invalid_heir", StatusCode.PermissionDenied, other => other.AccountId = "account-p0");
        await Refused("invalid_uplink", StatusCode.InvalidArgument, other => other.UplinkMbps = -1);
        await Refused("invalid_max_children", StatusCode.InvalidArgument, other => other.MaxChildren = 5);
        await Refused("unknown_stream", StatusCode.NotFound, other => other.StreamId = Guid.CreateVersion7().ToString());
        await StreamRig.Fails("missing_token", StatusCode.Unauthenticated, () => host.Edge.HandoverAsync(request).ResponseAsync);
        Assert.Equal("", (await stream.Tree())["root"].ParentPeerId);

        var taken = (await host.Edge.HandoverAsync(request, host.Token)).Stream;
        Assert.Equal(("account-heir", 9u, true), (taken.BroadcasterAccountId, taken.Viewers, taken.BroadcasterConnected));
        for (var stripe = 0u; stripe < stripes; stripe++)
        {
            var tree = await stream.Tree(stripe);
            Assert.Equal(viewers.Append("heir").Order(), tree.Keys.Order());
            Assert.Equal(("", 0u), (tree["heir"].ParentPeerId, tree["heir"].Depth));
            Assert.All(tree.Values, peer => Assert.Equal(PeerHealth.Good, peer.Health));
        }

        Assert.Equal("account-heir", host.Sent.All<StreamStarted>()[^1].BroadcasterAccountId);
        Assert.Equal(taken, (await host.Edge.HandoverAsync(request, host.Token)).Stream);
        await host.DeactivateAsync(stream.Id);
        Assert.Equal("", (await stream.Tree())["heir"].ParentPeerId);
        Assert.Equal(taken, (await host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = stream.Id })).Stream);
        await stream.Join("late");

        Task Refused(string reason, StatusCode status, Action<HandoverRequest> change)
        {
            var other = request.Clone();
            change(other);
            return StreamRig.Fails(reason, status, () => host.Edge.HandoverAsync(other, host.Token).ResponseAsync);
        }
    }

    private Task<TopologyHost> Host(int stripes) => TopologyHost.StartAsync(garnet.ConnectionString, ("Beacon:Topology:Stripes", $"{stripes}"));

    private static AudienceArrival Arrival(string id, double uplinkMbps, string formerParent = "") =>
        new() { Peer = StreamRig.Peer(id), UplinkMbps = uplinkMbps, LatencyMs = 20, FormerParentPeerId = formerParent };
}
