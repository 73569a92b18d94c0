using System.Collections.Concurrent;
using System.Diagnostics;
using Beacon.Contracts.Topology.V1;
using Grpc.Core;

namespace Beacon.Topology.Tests;

/// <summary>Two replicas in one cluster over one real Redis.</summary>
public sealed class ReplicaTests(RedisFixture redis) : IClassFixture<RedisFixture>
{
    private static readonly TimeSpan HealLimit = TimeSpan.FromSeconds(5);

    /// <summary>Only commands change a tree here: nobody reports, and nothing is moved between two looks at it.</summary>
    private static readonly (string Name, string Value)[] OnlyCommands =
    [
        ("Beacon:Topology:PeerSilenceSeconds", "300"),
        ("Beacon:Topology:LiftMovesPerTick", "0"),
    ];

    [Fact]
    public async Task An_owner_aborted_amid_joins_loses_none_that_was_acknowledged_and_healing_goes_on_within_5_seconds()
    {
        await using var replicas = await StartAsync();
        var (victim, survivor, streamId) = replicas;
        for (var peer = 0; peer < 20; peer++)
            await Join(survivor, streamId, $"early{peer:D2}");
        var acknowledged = new ConcurrentBag<string>();
        var reached = new TaskCompletionSource();
        using var healed = new CancellationTokenSource();
        var joining = Enumerable.Range(0, 8).Select(joiner => Task.Run(async () =>
        {
            for (var peer = 0; !healed.IsCancellationRequested; peer++)
            {
                var id = $"p{joiner}-{peer:D5}";
                try
                {
                    await Join(survivor, streamId, id);
                }
                catch (RpcException)
                {
                    return;
                }

                acknowledged.Add(id);
                if (acknowledged.Count >= 200)
                    reached.TrySetResult();
            }
        })).ToList();
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        var lost = Stopwatch.StartNew();
        await victim.AbortAsync();
        await Until(lost, () => survivor.Edge.LeaveStreamAsync(Leaving(streamId, "early00"), Call(survivor)).ResponseAsync);
        Assert.True(lost.Elapsed < HealLimit, $"healing went on after {lost.Elapsed}");
        TestContext.Current.TestOutputHelper?.WriteLine($"healing went on {lost.ElapsedMilliseconds} ms after the abort");
        await healed.CancelAsync();
        await Task.WhenAll(joining);

        Assert.Equal(survivor.SiloPort, await survivor.OwnerAsync(streamId));
        var tree = await CheckedTree(survivor, streamId);
        Assert.DoesNotContain("early00", tree.Keys);
        Assert.Empty(acknowledged.Except(tree.Keys));
    }

    [Fact]
    public async Task An_owner_whose_stream_was_taken_while_it_lives_drops_its_state_and_acknowledges_nothing_that_is_lost()
    {
        await using var replicas = await StartAsync();
        var (superseded, awake, streamId) = replicas;
        var acknowledged = new ConcurrentBag<string>();
        var refused = 0;
        var joining = Enumerable.Range(0, 8).Select(joiner => Task.Run(async () =>
        {
            for (var peer = 0; peer < 200; peer++)
            {
                try
                {
                    await Join(joiner % 2 == 0 ? awake : superseded, streamId, $"p{joiner}-{peer:D3}");
                    acknowledged.Add($"p{joiner}-{peer:D3}");
                }
                catch (RpcException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        })).ToList();
        // What the store sees when another activation takes the stream from one that is alive: the epoch rises between two commits.
        long epoch = 0;
        var takeovers = 0;
        while (joining.Any(task => !task.IsCompleted) && takeovers < 10)
        {
            var stored = await awake.Store.TakeAsync(streamId, 0);
            Assert.True(stored!.Epoch > epoch, $"epoch {stored.Epoch} after {epoch}");
            epoch = stored.Epoch;
            takeovers++;
            await Until(Stopwatch.StartNew(), () => Join(awake, streamId, $"after{takeovers:D2}"));
            acknowledged.Add($"after{takeovers:D2}");
        }

        await Task.WhenAll(joining);
        Assert.InRange(takeovers, 1, 10);
        var tree = await CheckedTree(awake, streamId);
        Assert.Empty(acknowledged.Except(tree.Keys));
        // Memory and record are the same tree.
        var record = await awake.Store.TakeAsync(streamId, 0);
        Assert.Equal(tree.OrderBy(peer => peer.Key, StringComparer.Ordinal), record!.Peers.Select(peer => KeyValuePair.Create(peer.Member.PeerId, Assert.Single(peer.Places).Place.ParentId ?? "")).OrderBy(peer => peer.Key, StringComparer.Ordinal));
        TestContext.Current.TestOutputHelper?.WriteLine($"{takeovers} takeovers, {acknowledged.Count} acknowledged, {refused} refused");
    }

    [Fact]
    public async Task Who_watches_at_a_replica_that_does_not_own_the_stream_is_told_all_the_same()
    {
        await using var replicas = await StartAsync();
        var (owner, other, streamId) = replicas;
        await Join(owner, streamId, "before");
        await using var watch = other.Watch(streamId);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(["root", "before"], watch.Current.Snapshot.Peers.Select(peer => peer.PeerId));

        await Join(owner, streamId, "after");
        while (await watch.MoveNextAsync() && watch.Current.EventCase != WatchTreeResponse.EventOneofCase.Changes)
        {
            // A sign of life.
        }

        Assert.Contains(watch.Current.Changes.Changes, change => change is { Kind: TreeChangeKind.Joined, Peer.PeerId: "after" });
        Assert.Equal(owner.SiloPort, await other.OwnerAsync(streamId));
    }

    [Fact]
    public async Task Every_replica_says_where_the_owner_of_a_stream_answers()
    {
        await using var replicas = await StartAsync();
        var (owner, other, streamId) = replicas;
        var expected = new OwnerAddress { StreamId = streamId, Address = $"http://127.0.0.1:{owner.GrpcPort}" };
        foreach (var host in new[] { owner, other })
        {
            var joined = await host.Edge.JoinStreamsAsync(
                new JoinStreamsRequest { Joins = { new PeerJoin { StreamId = streamId, Peer = Peer($"of-{host.GrpcPort}") }, new PeerJoin { StreamId = Guid.CreateVersion7().ToString(), Peer = Peer("lost") } } },
                Call(host));
            Assert.Equal((true, false), (joined.Results[0].Stream is not null, joined.Results[1].Stream is not null));
            Assert.Equal([expected], joined.Owners);
            var reported = await host.Edge.ReportMetricsAsync(
                new ReportMetricsRequest { EdgeId = "edge-1", Reports = { new PeerReport { StreamId = streamId, PeerId = $"of-{host.GrpcPort}" }, new PeerReport { StreamId = streamId, PeerId = "nobody" } } }, Call(host));
            Assert.Equal(["nobody"], reported.UnknownPeerIds);
            Assert.Equal([expected], reported.Owners);
        }
    }

    /// <summary>A cluster of its own with one stream. Orleans chooses the replica that owns it.</summary>
    private async Task<Replicas> StartAsync()
    {
        RedisFixture.RequireInstalled();
        var cluster = $"replicas-{Guid.CreateVersion7()}";
        var one = await TopologyHost.StartReplicaAsync(redis.ConnectionString, cluster, OnlyCommands);
        var two = await TopologyHost.StartReplicaAsync(redis.ConnectionString, cluster, OnlyCommands);
        var streamId = await StartStream(one);
        return await one.OwnerAsync(streamId) == one.SiloPort ? new Replicas(one, two, streamId) : new Replicas(two, one, streamId);
    }

    private static async Task<string> StartStream(TopologyHost host)
    {
        var streamId = Guid.CreateVersion7().ToString();
        await host.Edge.StartStreamAsync(
            new StartStreamRequest { StreamId = streamId, Root = Peer("root"), Channel = $"channel-{streamId}", Title = "A title", BitrateKbps = 1_000, UplinkMbps = 100, MaxChildren = 4 },
            Call(host));
        return streamId;
    }

    private static PeerIdentity Peer(string id) => new() { PeerId = id, AccountId = $"account-{id}", EdgeId = "edge-1", AddressBlock = $"block-{id}" };

    private static LeaveStreamRequest Leaving(string streamId, string id) => new() { StreamId = streamId, PeerId = id, EdgeId = "edge-1" };

    private static CallOptions Call(TopologyHost host) =>
        new(host.Token, DateTime.MaxValue.ToUniversalTime(), TestContext.Current.CancellationToken);

    private static async Task Join(TopologyHost host, string streamId, string id) =>
        await host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = streamId, Peer = Peer(id), UplinkMbps = 10, LatencyMs = 20 }, Call(host));

    private static async Task Until(Stopwatch watch, Func<Task> call)
    {
        while (true)
        {
            try
            {
                await call();
                return;
            }
            catch (RpcException) when (watch.Elapsed < TimeSpan.FromSeconds(30))
            {
                // Not yet: the call itself waits for the owner.
            }
        }
    }

    /// <summary>Every peer once, below the root without a cycle. Returns each peer's parent.</summary>
    private static async Task<Dictionary<string, string>> CheckedTree(TopologyHost host, string streamId)
    {
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        var waiting = new HashSet<string>(StringComparer.Ordinal);
        var request = new GetTreeRequest { StreamId = streamId };
        do
        {
            var page = await host.Queries.GetTreeAsync(request, Call(host));
            foreach (var peer in page.Peers)
                parents.Add(peer.PeerId, peer.ParentPeerId);
            waiting.UnionWith(page.WaitingPeerIds);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);

        foreach (var peer in parents.Keys)
        {
            var at = peer;
            for (var steps = 0; parents[at].Length > 0; steps++)
            {
                Assert.True(steps < parents.Count, $"{peer} is in a cycle");
                at = parents[at];
            }

            Assert.True(at == "root" || waiting.Contains(at), $"{peer} hangs on {at}");
        }

        return parents;
    }

    private sealed record Replicas(TopologyHost Owner, TopologyHost Other, string StreamId) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Other.DisposeAsync();
            await Owner.DisposeAsync();
        }
    }
}
