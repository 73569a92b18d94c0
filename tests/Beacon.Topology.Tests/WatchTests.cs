using System.Net;
using System.Text.Json;
using Beacon.Contracts.Topology.V1;
using Grpc.Core;
using Event = Beacon.Contracts.Topology.V1.WatchTreeResponse.EventOneofCase;

namespace Beacon.Topology.Tests;

/// <summary>Live changes of a tree: what a dashboard has at any moment is the tree.</summary>
public sealed class WatchTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    [Fact]
    public async Task A_watcher_gets_the_tree_and_then_who_joined_moved_and_left()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var stream = new StreamRig(host);
        await stream.Start();
        await stream.Join("a");
        await using var watcher = new Reader(stream);
        var snapshot = (await watcher.NextAsync()).Snapshot;
        Assert.Equal(["root", "a"], snapshot.Peers.Select(peer => peer.PeerId));
        Assert.Equal((false, 1.0, 1u, 0u), (snapshot.More, snapshot.Quality.MeanDepth, snapshot.Quality.MaxDepth, snapshot.Waiting));

        await stream.Join("b", uplinkMbps: 0);
        await watcher.UntilAsync(changes => changes.Any(change => change.Peer.PeerId == "b"));
        var joined = watcher.Latest("b");
        Assert.Equal((TreeChangeKind.Joined, "root", 1u, 0u, "joined"), (joined.Kind, joined.Peer.ParentPeerId, joined.Peer.Depth, joined.Peer.Slots, joined.Reason));
        await stream.Join("c", uplinkMbps: 0);
        await watcher.UntilAsync(changes => changes.Any(change => change.Peer.PeerId == "c"));
        Assert.Equal("a", watcher.Latest("c").Peer.ParentPeerId);

        await stream.Leave("a");
        await watcher.UntilAsync(changes => changes.Any(change => change.Kind == TreeChangeKind.Left));
        Assert.Equal(new TreeChange { Kind = TreeChangeKind.Left, Peer = new TreePeer { PeerId = "a" } }, watcher.Latest("a"));
        Assert.Equal((TreeChangeKind.Moved, "root", "parent_left"), (watcher.Latest("c").Kind, watcher.Latest("c").Peer.ParentPeerId, watcher.Latest("c").Reason));
        Assert.Equal((await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = stream.Id })).Version, watcher.Version);
        await watcher.ShowsAsync();
    }

    [Fact]
    public async Task Whatever_happens_the_watcher_has_the_tree_also_past_a_new_owner()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var stream = new StreamRig(host);
        await stream.Start();
        await using var watcher = new Reader(stream);
        await using var other = new Reader(stream);
        var here = new List<string>();
        for (var step = 0; step < 60; step++)
        {
            if (here.Count < 5 || random.Next(3) > 0)
            {
                here.Add($"p{step}");
                await stream.Join(here[^1], uplinkMbps: random.Next(5) * 2.5);
            }
            else
            {
                var at = random.Next(here.Count);
                await stream.Leave(here[at]);
                here.RemoveAt(at);
            }

            if (step == 30)
                await host.DeactivateAsync(stream.Id);
        }

        await stream.Join("last");
        await watcher.UntilShowsAsync("last");
        await other.UntilShowsAsync("last");
        await watcher.ShowsAsync();
        await other.ShowsAsync();
        Assert.Equal(0, watcher.Resyncs);
    }

    [Fact]
    public async Task A_quiet_tree_gives_a_heartbeat_and_the_end_of_the_stream_ends_the_call()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString, ("Beacon:Topology:WatchHeartbeatSeconds", "1"));
        var stream = new StreamRig(host);
        await stream.Start();
        await using var watcher = new Reader(stream);
        var version = (await watcher.NextAsync()).Snapshot.Version;
        var heartbeat = await watcher.NextAsync();
        Assert.Equal((Event.Heartbeat, version), (heartbeat.EventCase, heartbeat.Heartbeat.Version));
        await stream.End();
        Event last;
        do
            last = (await watcher.NextAsync()).EventCase;
        while (last == Event.Heartbeat);
        Assert.Equal(Event.Ended, last);
        Assert.False(await watcher.HasMoreAsync());
    }

    [Fact]
    public async Task What_nobody_can_watch_is_refused_with_its_reason()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString, ("Beacon:Topology:MaxWatchers", "1"));
        var stream = new StreamRig(host);
        await StreamRig.Fails("unknown_stream", StatusCode.NotFound, () => First(new WatchTreeRequest { StreamId = stream.Id }));
        await StreamRig.Fails("unknown_stream", StatusCode.NotFound, () => First(new WatchTreeRequest { StreamId = "nothing" }));
        await stream.Start();
        await StreamRig.Fails("invalid_stripe", StatusCode.InvalidArgument, () => First(new WatchTreeRequest { StreamId = stream.Id, Stripe = 1 }));
        await StreamRig.Fails("invalid_stripe", StatusCode.InvalidArgument, () => First(new WatchTreeRequest { StreamId = stream.Id, Stripe = 256 }));
        await using (var watcher = new Reader(stream))
        {
            await watcher.NextAsync();
            await StreamRig.Fails("too_many_watchers", StatusCode.ResourceExhausted, () => First(new WatchTreeRequest { StreamId = stream.Id }));
        }

        async Task First(WatchTreeRequest request)
        {
            using var call = host.Queries.WatchTree(request);
            await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_reader_that_falls_behind_gets_the_tree_anew_and_delays_nobody()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString, ("Beacon:Topology:WatchBufferMessages", "1"));
        var stream = new StreamRig(host);
        await stream.Start();
        await using var prompt = new Reader(stream);
        await using var slow = host.Watch(stream.Id);
        Assert.Equal(Event.Snapshot, (await Next()).EventCase);
        for (var peer = 0; peer < 20; peer++)
        {
            await stream.Join($"p{peer:D2}");
            // Each change goes through the feed before the next one, and the slow reader takes none.
            await prompt.UntilShowsAsync($"p{peer:D2}");
        }

        var events = new List<WatchTreeResponse>();
        while (events.LastOrDefault()?.EventCase != Event.Snapshot)
            events.Add(await Next());
        Assert.Equal(Event.Resync, events[^2].EventCase);
        Assert.All(events.SkipLast(2), message => Assert.Equal(Event.Changes, message.EventCase));
        Assert.Equal((await stream.Tree()).Values.OrderBy(peer => peer.PeerId), events[^1].Snapshot.Peers.OrderBy(peer => peer.PeerId));

        async Task<WatchTreeResponse> Next()
        {
            Assert.True(await slow.MoveNextAsync());
            return slow.Current;
        }
    }

    [Fact]
    public async Task Over_rest_each_message_is_a_line_of_json()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        var stream = new StreamRig(host);
        await stream.Start();
        await stream.Join("a");
        using var client = host.Rest();
        using var response = await client.GetAsync($"/api/streams/{stream.Id}/tree/changes", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var snapshot = JsonDocument.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!);
        Assert.Equal(["root", "a"], snapshot.RootElement.GetProperty("snapshot").GetProperty("peers").EnumerateArray().Select(peer => peer.GetProperty("peerId").GetString()));
        await stream.Join("b");
        using var changes = JsonDocument.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!);
        var change = changes.RootElement.GetProperty("changes").GetProperty("changes").EnumerateArray().Single(change => change.GetProperty("peer").GetProperty("peerId").GetString() == "b");
        Assert.Equal("TREE_CHANGE_KIND_JOINED", change.GetProperty("kind").GetString());
        await stream.End();
        using var ended = JsonDocument.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!);
        Assert.True(ended.RootElement.TryGetProperty("ended", out _));
        Assert.Null(await lines.ReadLineAsync(TestContext.Current.CancellationToken));

        using var unknown = await client.GetAsync($"/api/streams/{Guid.CreateVersion7()}/tree/changes", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Contains("unknown_stream", await unknown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_stripe_is_watched_for_itself()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString, ("Beacon:Topology:Stripes", "2"));
        var stream = new StreamRig(host);
        await stream.Start();
        await using var first = new Reader(stream);
        await using var second = new Reader(stream, stripe: 1);
        foreach (var id in new[] { "a", "b", "c", "d" })
            await stream.Join(id, uplinkMbps: 2.5);
        await stream.Leave("b");
        await stream.Join("last", uplinkMbps: 2.5);
        await first.UntilShowsAsync("last");
        await second.UntilShowsAsync("last");
        await first.ShowsAsync();
        await second.ShowsAsync();
    }

    /// <summary>A dashboard: takes over what it is told.</summary>
    private sealed class Reader : IAsyncDisposable
    {
        private readonly StreamRig _stream;
        private readonly uint _stripe;
        private readonly AsyncServerStreamingCall<WatchTreeResponse> _call;
        private readonly Dictionary<string, TreeChange> _latest = new(StringComparer.Ordinal);
        private readonly Dictionary<string, TreePeer> _peers = new(StringComparer.Ordinal);

        public Reader(StreamRig stream, uint stripe = 0)
        {
            _stream = stream;
            _stripe = stripe;
            _call = stream.Host.Queries.WatchTree(new WatchTreeRequest { StreamId = stream.Id, Stripe = stripe });
        }

        public ulong Version { get; private set; }

        public int Resyncs { get; private set; }

        public TreeChange Latest(string peerId) => _latest[peerId];

        public Task<bool> HasMoreAsync() => _call.ResponseStream.MoveNext(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        public async Task<WatchTreeResponse> NextAsync()
        {
            Assert.True(await HasMoreAsync());
            var message = _call.ResponseStream.Current;
            switch (message.EventCase)
            {
                case Event.Snapshot:
                    Version = message.Snapshot.Version;
                    foreach (var peer in message.Snapshot.Peers)
                        _peers.Add(peer.PeerId, peer);
                    break;
                case Event.Changes:
                    Version = message.Changes.Version;
                    foreach (var change in message.Changes.Changes)
                        Take(change);
                    break;
                case Event.Resync:
                    Resyncs++;
                    _peers.Clear();
                    break;
            }

            return message;
        }

        public async Task UntilAsync(Func<IReadOnlyCollection<TreeChange>, bool> told)
        {
            while ((await NextAsync()) is not { EventCase: Event.Changes } message || !told(message.Changes.Changes))
            {
                // What came before.
            }
        }

        public async Task UntilShowsAsync(string peerId)
        {
            while (!_peers.ContainsKey(peerId))
                await NextAsync();
        }

        /// <summary>What it has is the tree: places, standbys and slots.</summary>
        public async Task ShowsAsync() => Assert.Equal(
            (await _stream.Tree(_stripe)).Values.Select(Place).Order(),
            _peers.Values.Select(Place).Order());

        public ValueTask DisposeAsync()
        {
            _call.Dispose();
            return ValueTask.CompletedTask;
        }

        private static (string, string, string, uint) Place(TreePeer peer) => (peer.PeerId, peer.ParentPeerId, peer.StandbyPeerId, peer.Slots);

        private void Take(TreeChange change)
        {
            Assert.Equal(change.Kind == TreeChangeKind.Joined, !_peers.ContainsKey(change.Peer.PeerId));
            _latest[change.Peer.PeerId] = change;
            if (change.Kind == TreeChangeKind.Left)
                _peers.Remove(change.Peer.PeerId);
            else
                _peers[change.Peer.PeerId] = change.Peer;
        }
    }
}
