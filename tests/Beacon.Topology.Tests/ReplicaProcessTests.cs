using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Topology.Tests;

/// <summary>What has to happen within seconds is not measured beside tests that take all processors.</summary>
[CollectionDefinition(nameof(Undisturbed), DisableParallelization = true)]
public sealed class Undisturbed;

/// <summary>Two replicas as processes of the operating system, over one real Redis. No broker listens: directives are dropped, which delays answers and no more.</summary>
[Collection(nameof(Undisturbed))]
public sealed class ReplicaProcessTests(RedisFixture redis) : IClassFixture<RedisFixture>
{
    private static DateTime In10Seconds => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10);

    private readonly string _streamId = Guid.CreateVersion7().ToString();

    [Theory]
    [InlineData("killed")]
    [InlineData("paused past its lease and continued")]
    public async Task An_owner_that_is_lost_amid_joins_leaves_one_tree_with_every_acknowledged_peer_and_healing_goes_on_within_seconds(string how)
    {
        RedisFixture.RequireInstalled();
        var key = RandomNumberGenerator.GetBytes(32);
        var cluster = $"process-{Guid.CreateVersion7()}";
        await using var one = await ReplicaProcess.StartAsync(redis.ConnectionString, cluster, key);
        await using var two = await ReplicaProcess.StartAsync(redis.ConnectionString, cluster, key);
        await one.Edge.StartStreamAsync(
            new StartStreamRequest { StreamId = _streamId, Root = Peer("root"), Channel = $"channel-{_streamId}", Title = "A title", BitrateKbps = 1_000, UplinkMbps = 100, MaxChildren = 4 },
            one.Token);
        // Orleans has chosen the replica; it says so.
        var (victim, survivor) = one.Output.Contains($"Stream {_streamId} of channel", StringComparison.Ordinal) ? (one, two) : (two, one);
        Assert.Contains($"Stream {_streamId} of channel", victim.Output, StringComparison.Ordinal);
        for (var peer = 0; peer < 10; peer++)
            await Join(survivor, $"early{peer:D2}");

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
                    await Join(joiner % 2 == 0 ? survivor : victim, id);
                }
                catch (RpcException)
                {
                    if (joiner % 2 == 1)
                        return;
                    continue;
                }

                acknowledged.Add(id);
                if (acknowledged.Count >= 100)
                    reached.TrySetResult();
            }
        })).ToList();
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        var lost = Stopwatch.StartNew();
        await (how == "killed" ? victim.KillAsync() : victim.PauseAsync());
        while (true)
        {
            try
            {
                await survivor.Edge.LeaveStreamAsync(
                    new LeaveStreamRequest { StreamId = _streamId, PeerId = "early00", EdgeId = "edge-1" }, survivor.Token, DateTime.MaxValue.ToUniversalTime());
                break;
            }
            catch (RpcException) when (lost.Elapsed < TimeSpan.FromSeconds(30))
            {
                // Not yet: the call itself waits for the owner.
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"owner {how}: healing went on after {lost.ElapsedMilliseconds} ms, {acknowledged.Count} joins acknowledged");
        Assert.True(lost.Elapsed < TimeSpan.FromSeconds(5), $"healing went on after {lost.Elapsed}");
        if (how != "killed")
            await victim.ContinueAsync();
        await healed.CancelAsync();
        await Task.WhenAll(joining);
        await Join(survivor, "late");

        var tree = await survivor.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageSize = 10_000 }, survivor.Token);
        var parents = tree.Peers.ToDictionary(peer => peer.PeerId, peer => peer.ParentPeerId);
        Assert.Empty(acknowledged.Append("late").Except(parents.Keys));
        Assert.DoesNotContain("early00", parents.Keys);
        Assert.Equal(["root"], parents.Where(peer => peer.Value.Length == 0 && !tree.WaitingPeerIds.Contains(peer.Key)).Select(peer => peer.Key));
        Assert.All(parents.Values.Where(parent => parent.Length > 0), parent => Assert.Contains(parent, parents.Keys));
        if (how == "killed")
            return;
        // Until it learns what it missed, the one that slept may show what it remembers. As a rule it ends, since its cluster has given it up.
        var awake = Stopwatch.StartNew();
        try
        {
            GetTreeResponse other;
            do
                other = await victim.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageSize = 10_000 }, victim.Token, In10Seconds);
            while (awake.Elapsed < TimeSpan.FromSeconds(30) && !Places(other).SequenceEqual(Places(tree)));
            Assert.Equal(Places(tree), Places(other));
        }
        catch (RpcException refused)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"the owner that slept answers {refused.StatusCode}");
        }
    }

    /// <summary>After a power cut containers have other addresses, and the cluster's table still has the former ones.</summary>
    [Fact]
    public async Task The_only_replica_that_comes_back_under_another_address_does_not_wait_long_for_the_one_that_it_was()
    {
        RedisFixture.RequireInstalled();
        var key = RandomNumberGenerator.GetBytes(32);
        var cluster = $"process-{Guid.CreateVersion7()}";
        await using (var former = await ReplicaProcess.StartAsync(redis.ConnectionString, cluster, key))
        {
            await former.Edge.StartStreamAsync(
                new StartStreamRequest { StreamId = _streamId, Root = Peer("root"), Channel = $"channel-{_streamId}", Title = "A title", BitrateKbps = 1_000, UplinkMbps = 100, MaxChildren = 4 },
                former.Token);
            await Join(former, "early");
            await former.KillAsync();
        }

        var cut = Stopwatch.StartNew();
        await using var replica = await ReplicaProcess.StartAsync(redis.ConnectionString, cluster, key);
        TestContext.Current.TestOutputHelper?.WriteLine($"ready after {cut.ElapsedMilliseconds} ms");
        Assert.True(cut.Elapsed < TimeSpan.FromSeconds(30), $"ready after {cut.Elapsed}");
        await Join(replica, "late");
        var tree = await replica.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId, PageSize = 100 }, replica.Token);
        Assert.Equal(["early", "late", "root"], tree.Peers.Select(peer => peer.PeerId).Order());
    }

    private static IEnumerable<(string PeerId, string ParentId)> Places(GetTreeResponse tree) => tree.Peers.Select(peer => (peer.PeerId, peer.ParentPeerId)).Order();

    private static PeerIdentity Peer(string id) => new() { PeerId = id, AccountId = $"account-{id}", EdgeId = "edge-1", AddressBlock = $"block-{id}" };

    private async Task Join(ReplicaProcess replica, string id) => await replica.Edge.JoinStreamAsync(
        new JoinStreamRequest { StreamId = _streamId, Peer = Peer(id), UplinkMbps = 10, LatencyMs = 20 }, replica.Token, In10Seconds);

    /// <summary>The service as it is deployed.</summary>
    private sealed class ReplicaProcess : IAsyncDisposable
    {
        private readonly DotnetProcess _process;
        private readonly GrpcChannel _channel;
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("beacon-replica-");

        private ReplicaProcess(string redis, string cluster, byte[] key)
        {
            var ports = Ports.Free(4);
            _process = new DotnetProcess(Repository.AssemblyOf("services/Topology", "Beacon.Topology"), _directory.FullName, new Dictionary<string, string>
            {
                ["ConnectionStrings__redis"] = redis,
                ["ConnectionStrings__bus"] = "amqp://guest:guest@127.0.0.1:1",
                ["Beacon__DataDirectory"] = _directory.FullName,
                ["Beacon__Auth__ServiceKey"] = Convert.ToBase64String(key),
                ["Beacon__Endpoints__HttpPort"] = $"{ports[0]}",
                ["Beacon__Endpoints__GrpcPort"] = $"{ports[1]}",
                ["Beacon__Topology__SiloPort"] = $"{ports[2]}",
                ["Beacon__Topology__GatewayPort"] = $"{ports[3]}",
                ["Beacon__Topology__Clustering"] = "Redis",
                ["Beacon__Topology__ClusterId"] = cluster,
                ["Logging__LogLevel__MassTransit"] = "None",
                ["Beacon__Topology__SendTimeoutMs"] = "100",
                // Only commands change the tree: nobody reports, and nothing is moved between two looks at it.
                ["Beacon__Topology__PeerSilenceSeconds"] = "300",
                ["Beacon__Topology__LiftMovesPerTick"] = "0",
            });
            _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{ports[1]}");
            Edge = new TopologyEdgeService.TopologyEdgeServiceClient(_channel);
            Queries = new Contracts.Topology.V1.TopologyService.TopologyServiceClient(_channel);
            Token = new Metadata { { "authorization", $"Bearer {new ServiceTokens(new SymmetricSecurityKey(key), TimeProvider.System).Current()}" } };
        }

        public TopologyEdgeService.TopologyEdgeServiceClient Edge { get; }

        public Contracts.Topology.V1.TopologyService.TopologyServiceClient Queries { get; }

        public Metadata Token { get; }

        public string Output => _process.Output;

        public static async Task<ReplicaProcess> StartAsync(string redis, string cluster, byte[] key)
        {
            var replica = new ReplicaProcess(redis, cluster, key);
            // It answers, if only that there is no such stream.
            var limit = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60);
            var call = new CallOptions(replica.Token, limit).WithWaitForReady();
            var refused = await Assert.ThrowsAsync<RpcException>(() => replica.Queries.GetStreamAsync(new GetStreamRequest { StreamId = $"{Guid.CreateVersion7()}" }, call).ResponseAsync);
            Assert.True(refused.StatusCode == StatusCode.NotFound, $"{refused.Status}\n{replica.Output[..Math.Min(3_000, replica.Output.Length)]}");
            return replica;
        }

        public Task KillAsync() => _process.KillAsync();

        public Task PauseAsync() => _process.PauseAsync();

        public Task ContinueAsync() => _process.ContinueAsync();

        public async ValueTask DisposeAsync()
        {
            _channel.Dispose();
            await _process.DisposeAsync();
            _directory.Delete(recursive: true);
        }
    }
}
