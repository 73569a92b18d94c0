using System.Security.Cryptography;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Mesh;
using Google.Protobuf;
using Grpc.Core;

namespace Beacon.Topology.Tests;

public sealed class TopologyServiceTests : IClassFixture<TopologyFixture>
{
    private readonly string _streamId = Guid.CreateVersion7().ToString();
    private readonly TopologyHost _host;

    public TopologyServiceTests(TopologyFixture fixture)
    {
        _host = fixture.Host;
        _host.Sent.Clear();
        _host.Sent.StreamId = _streamId;
        _host.Sent.Fails = false;
    }

    private static PeerIdentity Peer(string id, string edge = "edge-1", string? account = null) =>
        new() { PeerId = id, AccountId = account ?? $"account-{id}", EdgeId = edge, AddressBlock = $"block-{id}" };

    private StartStreamRequest StartRequest(string? channel = null, string? streamId = null, string account = "broadcaster", bool resume = false, string edge = "edge-1") => new()
    {
        StreamId = streamId ?? _streamId,
        Root = Peer("root", edge, account),
        Channel = channel ?? $"channel-{_streamId}",
        Title = "A title",
        BitrateKbps = 1_000,
        UplinkMbps = 100,
        MaxChildren = 2,
        Resume = resume,
    };

    private async Task<LiveStream> Start(StartStreamRequest? request = null) => (await _host.Edge.StartStreamAsync(request ?? StartRequest(), _host.Token)).Stream;

    private static PeerNeighbour Neighbour(string peerId, string edgeId) => new() { PeerId = peerId, EdgeId = edgeId };

    private async Task<LiveStream> Join(string id, double uplinkMbps = 10, string edge = "edge-1") =>
        (await _host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = _streamId, Peer = Peer(id, edge), UplinkMbps = uplinkMbps, LatencyMs = 20 }, _host.Token)).Stream;

    private async Task Leave(string id, string edge = "edge-1") =>
        await _host.Edge.LeaveStreamAsync(new LeaveStreamRequest { StreamId = _streamId, PeerId = id, EdgeId = edge }, _host.Token);

    private async Task<GetTreeResponse> Tree() => await _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId });

    private static async Task Fails(string reason, StatusCode status, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((reason, status), (Fault.ReasonOf(exception), exception.StatusCode));
    }

    [Fact]
    public async Task A_started_stream_is_live_listed_and_announced()
    {
        var stream = await Start();
        Assert.Equal((_streamId, "broadcaster", 1_000u, 0u, 2u, true), (stream.StreamId, stream.BroadcasterAccountId, stream.BitrateKbps, stream.Viewers, stream.SpareSlots, stream.BroadcasterConnected));
        Assert.Equal(stream, (await _host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = _streamId })).Stream);
        Assert.Contains(stream, (await _host.Edge.ListLiveStreamsAsync(new ListLiveStreamsRequest(), _host.Token)).Streams);
        Assert.Equal((_streamId, $"channel-{_streamId}"), _host.Sent.All<StreamStarted>().Select(started => (started.StreamId, started.Channel)).Single());
    }

    [Fact]
    public async Task A_joining_peer_and_its_parent_are_told_through_their_edges()
    {
        await Start();
        var stream = await Join("a", edge: "edge-2");
        Assert.Equal(1u, stream.Viewers);
        var told = Assert.Single(_host.Sent.DirectivesTo("a"));
        Assert.Equal(new PeerDirective { PeerId = "a", Version = told.Version, Kind = DirectiveKind.ParentAssigned, Neighbour = Neighbour("root", "edge-1"), Depth = 1, Reason = "joined" }, told);
        var parent = Assert.Single(_host.Sent.DirectivesTo("root"));
        Assert.Equal(new PeerDirective { PeerId = "root", Version = parent.Version, Kind = DirectiveKind.ChildAssigned, Neighbour = Neighbour("a", "edge-2") }, parent);
        Assert.Equal(["edge-1", "edge-2"], _host.Sent.All<PeersReassigned>().Select(sent => sent.EdgeId).Order());
        var peers = (await Tree()).Peers;
        Assert.Equal(["", "root"], peers.Select(peer => peer.ParentPeerId));
    }

    [Fact]
    public async Task When_a_relay_leaves_its_children_are_told_their_new_parent()
    {
        await Start();
        foreach (var id in new List<string> { "a", "b", "c", "d", "e" })
            await Join(id);
        var before = (await Tree()).Peers.ToDictionary(peer => peer.PeerId);
        var relay = before["e"].ParentPeerId;
        Assert.NotEqual("root", relay);
        _host.Sent.Clear();
        await Leave(relay);
        var after = (await Tree()).Peers.ToDictionary(peer => peer.PeerId);
        Assert.DoesNotContain(relay, after.Keys);
        var told = _host.Sent.DirectivesTo("e").Last(directive => directive.Kind == DirectiveKind.ParentAssigned);
        Assert.Equal("parent_left", told.Reason);
        Assert.Equal(after["e"].ParentPeerId, told.Neighbour!.PeerId);
        Assert.All(after.Values, peer => Assert.Equal(PeerHealth.Good, peer.Health));
    }

    [Fact]
    public async Task A_new_owner_rebuilds_the_same_tree()
    {
        await Start();
        for (var peer = 0; peer < 40; peer++)
            await Join($"p{peer:D2}", uplinkMbps: peer % 4 * 3);
        for (var peer = 0; peer < 40; peer += 7)
            await Leave($"p{peer:D2}");
        var before = await Tree();
        Assert.Equal(35, before.Peers.Count);
        await _host.DeactivateAsync(_streamId);
        var after = await Tree();
        // A standby that was still to be found may be found by the new owner.
        var standbys = before.Peers.ToDictionary(peer => peer.PeerId, peer => peer.StandbyPeerId);
        foreach (var peer in after.Peers.Where(peer => standbys[peer.PeerId].Length == 0))
            peer.StandbyPeerId = "";
        Assert.Equal(before.Peers.OrderBy(peer => peer.PeerId), after.Peers.OrderBy(peer => peer.PeerId));
        Assert.Equal(before.Quality, after.Quality);
        Assert.Equal(before.WaitingPeerIds, after.WaitingPeerIds);
        var told = _host.Sent.DirectivesTo("root").Max(directive => directive.Version);
        _host.Sent.Clear();
        await Join("late");
        await Join("root-child", uplinkMbps: 1_000);
        Assert.All(_host.Sent.DirectivesTo("root"), directive => Assert.True(directive.Version > told));
    }

    [Fact]
    public async Task An_owner_that_another_has_replaced_gives_up_and_the_call_succeeds_with_the_record()
    {
        await Start();
        await Join("a");
        // Another owner takes the stream and writes to it.
        var other = await _host.Store.TakeAsync(_streamId, 0);
        var renamed = new Streams.StreamBatch(other!.Meta with { Title = "Written by the other" }, Streams.StreamSegments.None, [], [], RenewTtl: false);
        Assert.Equal(Streams.CommitOutcome.Done, await _host.Store.CommitAsync(_streamId, other.Epoch, 1, renamed));
        var stream = await Join("b");
        Assert.Equal("Written by the other", stream.Title);
        Assert.Equal(["a", "b", "root"], (await Tree()).Peers.Select(peer => peer.PeerId).Order());
        Assert.Equal(Streams.CommitOutcome.Stale, await _host.Store.CommitAsync(_streamId, other.Epoch, 2, renamed));
    }

    [Fact]
    public async Task A_peer_that_comes_back_keeps_its_place_and_its_neighbours_learn_its_edge()
    {
        await Start();
        await Join("a");
        await Join("b");
        await Join("c", uplinkMbps: 0);
        var before = await Tree();
        var parent = before.Peers.Single(peer => peer.PeerId == "c").ParentPeerId;
        _host.Sent.Clear();
        await Join(parent, edge: "edge-9");
        Assert.Equal(Neighbour(parent, "edge-9"), _host.Sent.DirectivesTo("c").Last(directive => directive.Kind == DirectiveKind.ParentAssigned).Neighbour);
        Assert.Equal("resumed", _host.Sent.DirectivesTo(parent).Last(directive => directive.Kind == DirectiveKind.ParentAssigned).Reason);
        // The edge that it left notices late.
        await Leave(parent, edge: "edge-1");
        Assert.Equal(before.Peers.Select(peer => (peer.PeerId, peer.ParentPeerId)), (await Tree()).Peers.Select(peer => (peer.PeerId, peer.ParentPeerId)));
    }

    [Fact]
    public async Task Neighbours_are_told_which_tickets_a_peer_takes_also_by_the_next_owner()
    {
        var request = StartRequest();
        request.Root.TicketMac = true;
        await Start(request);
        await Join("a");
        Assert.True(Assert.Single(_host.Sent.DirectivesTo("a")).Neighbour.TicketMac);
        Assert.False(Assert.Single(_host.Sent.DirectivesTo("root")).Neighbour.TicketMac);
        await _host.DeactivateAsync(_streamId);
        _host.Sent.Clear();
        await Join("a", edge: "edge-2");
        Assert.True(Assert.Single(_host.Sent.DirectivesTo("a"), directive => directive.Kind == DirectiveKind.ParentAssigned).Neighbour.TicketMac);
    }

    [Fact]
    public async Task A_lost_broadcaster_has_its_time_of_grace_and_finds_its_tree_again()
    {
        await Start();
        await Join("a");
        await Leave("root");
        Assert.False((await _host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = _streamId })).Stream.BroadcasterConnected);
        _host.Clock.Advance(TimeSpan.FromSeconds(10));
        _host.Sent.Clear();
        var stream = await Start(StartRequest(resume: true, edge: "edge-7"));
        Assert.True(stream.BroadcasterConnected);
        Assert.Equal(1u, stream.Viewers);
        Assert.Equal(Neighbour("root", "edge-7"), _host.Sent.DirectivesTo("a").Last(directive => directive.Kind == DirectiveKind.ParentAssigned).Neighbour);
    }

    [Fact]
    public async Task A_broadcaster_that_stays_away_ends_the_stream()
    {
        await Start();
        await Leave("root");
        await _host.PassAsync(_streamId, 29_999);
        Assert.Empty(_host.Sent.All<StreamEnded>());
        await _host.PassAsync(_streamId, 1);
        var ended = _host.Sent.All<StreamEnded>()[0];
        Assert.Equal((_streamId, "broadcaster_lost"), (ended.StreamId, ended.Reason));
        await Fails("unknown_stream", StatusCode.NotFound, () => _host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = _streamId }).ResponseAsync);
        Assert.DoesNotContain(_streamId, await _host.Store.ListLiveAsync());
        Assert.Null(await _host.Store.TakeAsync(_streamId, 0));
    }

    [Fact]
    public async Task Peers_that_no_edge_speaks_for_any_more_are_removed()
    {
        await Start();
        await Join("a");
        await Join("b", edge: "edge-2");
        await _host.DeactivateAsync(_streamId);
        Assert.Equal(3, (await Tree()).Peers.Count);
        await _host.PassAsync(_streamId, 10_000);
        await Report("edge-1", ReportOf("root"), ReportOf("a"));
        await _host.PassAsync(_streamId, 5_001);
        Assert.Equal(["a", "root"], (await Tree()).Peers.Select(peer => peer.PeerId).Order());
    }

    [Fact]
    public async Task A_channel_has_one_live_stream_and_its_own_account_may_start_anew()
    {
        var first = StartRequest();
        await Start(first);
        var second = Guid.CreateVersion7().ToString();
        await Fails("channel_already_live", StatusCode.AlreadyExists, () => Start(StartRequest(streamId: second, account: "somebody-else")));
        var stream = await Start(StartRequest(streamId: second));
        Assert.Equal(second, stream.StreamId);
        Assert.Equal((_streamId, "ended"), _host.Sent.All<StreamEnded>().Select(ended => (ended.StreamId, ended.Reason)).Single());
        await Fails("unknown_stream", StatusCode.NotFound, () => _host.Queries.GetStreamAsync(new GetStreamRequest { StreamId = _streamId }).ResponseAsync);
    }

    [Fact]
    public async Task The_same_start_again_is_answered_as_the_first_and_another_account_is_refused()
    {
        var first = await Start();
        Assert.Equal(first, await Start());
        await Fails("stream_not_yours", StatusCode.PermissionDenied, () => Start(StartRequest(account: "somebody-else", resume: true)));
    }

    [Fact]
    public async Task A_stream_that_the_server_forgot_is_taken_up_again_under_its_id()
    {
        var stream = await Start(StartRequest(resume: true));
        Assert.Equal(_streamId, stream.StreamId);
        Assert.Equal(1u, (await Join("a")).Viewers);
    }

    [Fact]
    public async Task A_bus_that_is_away_does_not_fail_a_join()
    {
        await Start();
        _host.Sent.Fails = true;
        Assert.Equal(1u, (await Join("a")).Viewers);
        _host.Sent.Fails = false;
        Assert.Equal("root", (await Tree()).Peers.Single(peer => peer.PeerId == "a").ParentPeerId);
    }

    [Fact]
    public async Task A_child_without_a_receipt_of_its_parent_is_told_again_and_then_moved()
    {
        await Start();
        await Join("a");
        await Join("b");
        await Join("c", uplinkMbps: 0);
        var parent = (await Tree()).Peers.Single(peer => peer.PeerId == "c").ParentPeerId;
        _host.Sent.Clear();
        for (var repeat = 0u; repeat < 3; repeat++)
        {
            _host.Clock.Advance(TimeSpan.FromSeconds(5));
            await Announce(100 + repeat);
            await Report("edge-1", ReportOf("root"), ReportOf("a", receipt: ("root", 0)), ReportOf("b", receipt: ("root", 0)), ReportOf("c"));
        }

        await _host.PassAsync(_streamId, 1);
        var told = _host.Sent.DirectivesTo("c").Where(directive => directive.Kind == DirectiveKind.ParentAssigned).ToList();
        Assert.Equal([parent, parent], told.Take(2).Select(directive => directive.Neighbour!.PeerId));
        Assert.NotEqual(parent, told[2].Neighbour!.PeerId);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_neighbour_that_the_edge_did_not_hear_of_is_told_again_and_one_that_it_did_is_not(bool lacksParent, bool lacksStandby)
    {
        await Start();
        await Join("a");
        await Join("b");
        await Join("c", uplinkMbps: 0);
        var place = (await Tree()).Peers.Single(peer => peer.PeerId == "c");
        Assert.NotEmpty(place.StandbyPeerId);
        _host.Sent.Clear();
        // Nothing flows: what the edge says is all there is to go by.
        await Report(place.ParentPeerId, place.StandbyPeerId);
        _host.Clock.Advance(TimeSpan.FromSeconds(60));
        await Report(place.ParentPeerId, place.StandbyPeerId);
        await ReportLack();
        _host.Clock.Advance(TimeSpan.FromMilliseconds(4_999));
        await ReportLack();
        await _host.Grain(_streamId).Tick();
        Assert.Empty(_host.Sent.DirectivesTo("c"));
        _host.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await ReportLack();
        await ReportLack();
        await _host.Grain(_streamId).Tick();
        Assert.Equal(
            [
                .. lacksParent ? [(DirectiveKind.ParentAssigned, place.ParentPeerId)] : Array.Empty<(DirectiveKind, string)>(),
                .. lacksStandby ? [(DirectiveKind.StandbyAssigned, place.StandbyPeerId)] : Array.Empty<(DirectiveKind, string)>(),
            ],
            _host.Sent.DirectivesTo("c").Select(told => (told.Kind, told.Neighbour!.PeerId)));
        // The other end has its part.
        foreach (var (lacks, other, isStandby) in new[] { (lacksParent, place.ParentPeerId, false), (lacksStandby, place.StandbyPeerId, true) })
            Assert.Equal(lacks, _host.Sent.DirectivesTo(other).Any(directive => directive is { Kind: DirectiveKind.ChildAssigned, Neighbour.PeerId: "c" } && directive.Standby == isStandby));

        Task ReportLack() => Report(lacksParent ? "" : place.ParentPeerId, lacksStandby ? "" : place.StandbyPeerId);

        async Task Report(string parentId, string standbyId)
        {
            var report = ReportOf("c");
            report.Told.Add(new PeerTold { ParentPeerId = parentId, StandbyPeerId = standbyId });
            await this.Report("edge-1", ReportOf("root"), ReportOf("a"), ReportOf("b"), report);
        }
    }

    [Fact]
    public async Task One_child_that_accuses_its_parent_leaves_it_and_a_majority_has_it_drained()
    {
        await Start();
        await Join("a");
        await Join("b");
        foreach (var id in (string[])["c", "d", "e"])
            await Join(id, uplinkMbps: 0);
        var parents = (await Tree()).Peers.ToDictionary(peer => peer.PeerId, peer => peer.ParentPeerId);
        var (bad, good) = parents["c"] == parents["e"] || parents["c"] == parents["d"] ? (parents["c"], parents["c"] == "a" ? "b" : "a") : (parents["d"], parents["c"]);
        var children = parents.Where(peer => peer.Value == bad).Select(peer => peer.Key).Order().ToList();
        Assert.Equal(2, children.Count);

        // Of one who is not its parent nothing is believed.
        await Accuse(children[0], "e");
        await Accuse(children[0], bad);
        var tree = (await Tree()).Peers.ToDictionary(peer => peer.PeerId);
        Assert.Equal((good, bad), (tree[children[0]].ParentPeerId, tree[children[1]].ParentPeerId));
        Assert.Equal(PeerHealth.Good, tree[bad].Health);

        await Accuse(children[1], bad);
        tree = (await Tree()).Peers.ToDictionary(peer => peer.PeerId);
        Assert.Equal(PeerHealth.Degraded, tree[bad].Health);
        Assert.Equal(PeerHealth.Good, tree[good].Health);

        async Task Accuse(string child, string parent)
        {
            var report = ReportOf(child);
            report.Faults.Add(new PeerFault { ParentPeerId = parent, Kind = 0 });
            report.Faults.Add(new PeerFault { ParentPeerId = parent, Kind = 1 });
            await Report("edge-1", report);
        }
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public async Task A_report_names_at_most_sixteen_faults(int faults, bool isHeard)
    {
        await Start();
        await Join("a");
        await _host.PassAsync(_streamId, 10_000);
        var report = ReportOf("a");
        for (var fault = 0; fault < faults; fault++)
            report.Faults.Add(new PeerFault { ParentPeerId = "somebody", Kind = 1 });
        // Who is heard stays; a report that is dropped leaves its peer silent.
        await Report("edge-1", ReportOf("root"), report);
        await _host.PassAsync(_streamId, 5_001);
        Assert.Equal(isHeard, (await Tree()).Peers.Any(peer => peer.PeerId == "a"));
    }

    [Fact]
    public async Task Verified_work_is_published_once_two_windows_later()
    {
        await Start();
        await Join("a");
        await Join("b", uplinkMbps: 0);
        await Join("c", uplinkMbps: 0);
        // Two root slots: one relay and one leaf directly, one leaf below the relay.
        var child = (await Tree()).Peers.Single(peer => peer.ParentPeerId == "a").PeerId;
        AlignToWindow();
        var digest = SHA256.HashData([1, 2, 3]);
        await Announce(5, digest);
        var challenge = Assert.Single(_host.Sent.All<ChallengeIssued>());
        Assert.Equal((5u, 16, "edge-1"), (challenge.Sequence, challenge.Nonce.Length, challenge.EdgeId));
        var answer = HMACSHA256.HashData(challenge.Nonce, (byte[])[.. digest, .. System.Text.Encoding.ASCII.GetBytes(child)]);

        await Report("edge-1", ReportOf("root"), ReportOf("a", claim: (child, 0)), ReportOf(child, receipt: ("a", 0)));
        _host.Clock.Advance(TimeSpan.FromSeconds(5));
        await Report("edge-1", ReportOf("root"), ReportOf("a", claim: (child, 700_000)), ReportOf(child, receipt: ("a", 600_000), answer: (challenge.Window, answer)));
        await _host.PassAsync(_streamId, 5_000);
        Assert.Empty(_host.Sent.All<RelayWorkVerified>());
        await Report("edge-1", ReportOf("root"), ReportOf("a"), ReportOf("b"), ReportOf("c"));
        await _host.PassAsync(_streamId, 10_000);
        await _host.PassAsync(_streamId, 1);
        var verified = Assert.Single(_host.Sent.All<RelayWorkVerified>());
        Assert.Equal((_streamId, challenge.Window, 10_000, 1), (verified.StreamId, verified.Window, verified.WindowMs, verified.Viewers));
        Assert.Equal([new VerifiedRelay("account-a", 600_000, ReceiptAccounts: 1)], verified.Relays);
        Assert.Equal(600_000, verified.ConsumedBytes);
        Assert.NotEmpty(_host.Sent.All<StreamAudienceChanged>());

        await _host.DeactivateAsync(_streamId);
        await _host.PassAsync(_streamId, 1);
        Assert.Single(_host.Sent.All<RelayWorkVerified>());
    }

    [Fact]
    public async Task What_a_peer_reports_of_its_uplink_is_what_the_tree_goes_by()
    {
        await Start();
        await Join("a", uplinkMbps: 20);
        var (measured, impossible) = (ReportOf("a"), ReportOf("a"));
        measured.UplinkMbps = 3;
        impossible.UplinkMbps = 10_001;
        await Report("edge-1", measured);
        await Report("edge-1", impossible);
        Assert.Equal(3, (await Tree()).Peers.Single(peer => peer.PeerId == "a").UplinkMbps);
    }

    [Fact]
    public async Task Reports_of_unknown_peers_and_streams_are_named_and_change_nothing()
    {
        await Start();
        var other = ReportOf("ghost");
        other.StreamId = Guid.CreateVersion7().ToString();
        var response = await Report("edge-1", ReportOf("root"), ReportOf("nobody"), other);
        Assert.Equal(["ghost", "nobody"], response.UnknownPeerIds.Order());
    }

    [Fact]
    public async Task A_place_is_explained_with_its_alternatives()
    {
        await Start();
        await Join("a");
        await Join("b");
        await Join("c", uplinkMbps: 0);
        var explained = await _host.Queries.ExplainPeerAsync(new ExplainPeerRequest { StreamId = _streamId, PeerId = "c" });
        Assert.Equal("joined", explained.Reason);
        Assert.Equal(explained.Peer.ParentPeerId, Assert.Single(explained.Candidates, candidate => candidate.Chosen).PeerId);
        Assert.All(explained.Candidates.Where(candidate => !candidate.Chosen), candidate => Assert.NotEqual("", candidate.Verdict));
        await Fails("unknown_peer", StatusCode.NotFound, () => _host.Queries.ExplainPeerAsync(new ExplainPeerRequest { StreamId = _streamId, PeerId = "z" }).ResponseAsync);
    }

    [Fact]
    public async Task A_tree_comes_in_pages_with_parents_before_children()
    {
        await Start();
        for (var peer = 0; peer < 9; peer++)
            await Join($"p{peer}");
        var seen = new HashSet<string> { "" };
        var token = "";
        do
        {
            var page = await _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageSize = 4, PageToken = token });
            Assert.InRange(page.Peers.Count, 1, 4);
            foreach (var peer in page.Peers)
            {
                Assert.Contains(peer.ParentPeerId, seen);
                Assert.True(seen.Add(peer.PeerId));
            }

            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(11, seen.Count);
    }

    [Theory]
    [InlineData("invalid_title", "title")]
    [InlineData("invalid_bitrate", "bitrate")]
    [InlineData("invalid_uplink", "uplink")]
    [InlineData("invalid_max_children", "children")]
    [InlineData("invalid_channel", "channel")]
    [InlineData("invalid_stream_id", "stream")]
    [InlineData("invalid_peer", "peer")]
    public async Task A_start_with_a_bad_field_is_refused_with_its_reason(string reason, string field)
    {
        var request = StartRequest();
        switch (field)
        {
            case "title":
                request.Title = new string('x', 121);
                break;
            case "bitrate":
                request.BitrateKbps = 31;
                break;
            case "uplink":
                request.UplinkMbps = double.NaN;
                break;
            case "children":
                request.MaxChildren = 5;
                break;
            case "channel":
                request.Channel = "";
                break;
            case "stream":
                request.StreamId = "not-a-uuid";
                break;
            default:
                request.Root.PeerId = "with space";
                break;
        }

        await Fails(reason, StatusCode.InvalidArgument, () => Start(request));
    }

    [Fact]
    public async Task Bad_pages_unknown_stripes_and_callers_that_are_no_service_are_refused()
    {
        await Start();
        await Fails("invalid_page_size", StatusCode.InvalidArgument, () => _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageSize = 10_001 }).ResponseAsync);
        await Fails("invalid_page_token", StatusCode.InvalidArgument, () => _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageToken = "x" }).ResponseAsync);
        await Fails("invalid_stripe", StatusCode.InvalidArgument, () => _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, Stripe = 1 }).ResponseAsync);
        await Fails("unknown_stream", StatusCode.NotFound, () => _host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = "nothing" }).ResponseAsync);
        await Fails("missing_token", StatusCode.Unauthenticated, () => _host.Edge.ListLiveStreamsAsync(new ListLiveStreamsRequest()).ResponseAsync);
        await Fails("unknown_stream", StatusCode.NotFound, () => _host.Edge.EndStreamAsync(new EndStreamRequest { StreamId = Guid.CreateVersion7().ToString(), Reason = "ended" }, _host.Token).ResponseAsync);
        await Fails("invalid_reason", StatusCode.InvalidArgument, () => _host.Edge.EndStreamAsync(new EndStreamRequest { StreamId = _streamId, Reason = "bored" }, _host.Token).ResponseAsync);
    }

    /// <summary>Moves the clock to the start of the next window.</summary>
    private void AlignToWindow() => _host.Clock.Advance(TimeSpan.FromMilliseconds(10_000 - (_host.Clock.GetUtcNow().ToUnixTimeMilliseconds() % 10_000)));

    private PeerReport ReportOf(string peer, (string Parent, ulong Bytes)? receipt = null, (string Child, ulong Bytes)? claim = null, (long Window, byte[] Hmac)? answer = null)
    {
        var report = new PeerReport { StreamId = _streamId, PeerId = peer, LatencyMs = 20 };
        if (receipt is var (parent, received))
            report.Receipts.Add(new PeerReceipt { ParentPeerId = parent, Bytes = received });
        if (claim is var (child, claimed))
            report.Claims.Add(new PeerClaim { ChildPeerId = child, Bytes = claimed });
        if (answer is var (window, hmac))
        {
            report.AnswerWindow = (ulong)window;
            report.AnswerHmac = ByteString.CopyFrom(hmac);
        }

        return report;
    }

    private async Task<ReportMetricsResponse> Report(string edge, params PeerReport[] reports) =>
        await _host.Edge.ReportMetricsAsync(new ReportMetricsRequest { EdgeId = edge, Reports = { reports } }, _host.Token);

    private async Task Announce(uint sequence, byte[]? digest = null) =>
        await _host.Edge.ReportMetricsAsync(
            new ReportMetricsRequest
            {
                EdgeId = "edge-1",
                Digests = { new RootDigest { StreamId = _streamId, PeerId = "root", Sequence = sequence, Digest = ByteString.CopyFrom(digest ?? new byte[Challenge.AnswerBytes]) } },
            },
            _host.Token);
}
