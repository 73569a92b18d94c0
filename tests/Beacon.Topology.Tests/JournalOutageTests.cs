using System.Diagnostics;
using System.Net;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Garnet;
using Grpc.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Topology.Tests;

/// <summary>The store goes away and comes back; the stream goes on.</summary>
public sealed class JournalOutageTests
{
    private readonly string _streamId = Guid.CreateVersion7().ToString();

    [Theory]
    [InlineData("Redis, paused")]
    [InlineData("Redis, killed, with its data")]
    [InlineData("Redis, killed, its data lost")]
    [InlineData("Garnet, stopped, its data lost")]
    public async Task A_stream_goes_on_from_memory_says_so_and_is_written_whole_when_the_store_is_back(string how)
    {
        await using var outage = await Outage.StartAsync(how);
        await using var host = await Start(outage.ConnectionString);
        await Join(host, "a");
        await Join(host, "b");
        Assert.True((await host.Grain(_streamId).Get()).Value!.IsJournaled);
        Assert.True((await Join(host, "b")).Journaled);
        var before = (await host.Store.TakeAsync(_streamId, 0))!.Peers.Select(peer => peer.Member.PeerId).Order();
        Assert.Equal(["a", "b", "root"], before);
        // That made this test the owner: the true one gives up, and its next activation takes the stream back.
        await Until(() => Join(host, "c"));

        await outage.BeginAsync();
        var watch = Stopwatch.StartNew();
        Assert.False((await Join(host, "d")).Journaled);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"a join took {watch.Elapsed}");
        await Leave(host, "a");
        Assert.False((await host.Grain(_streamId).Get()).Value!.IsJournaled);
        Assert.Equal(["b", "c", "d", "root"], (await Tree(host)).Keys.Order());
        var health = (await host.HealthAsync()).Entries["topology"];
        Assert.Equal((HealthStatus.Degraded, "the record of 1 streams cannot be written; they are looked after from memory"), (health.Status, health.Description));

        await outage.EndAsync();
        watch.Restart();
        await Until(async () =>
        {
            await host.Grain(_streamId).Tick();
            return (await host.Grain(_streamId).Get()).Value!.IsJournaled;
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{how}: journalled whole {watch.ElapsedMilliseconds} ms after the store was back");
        Assert.Equal(HealthStatus.Healthy, (await host.HealthAsync()).Entries["topology"].Status);
        await Join(host, "e");
        var told = await Tree(host);
        var stored = await host.Store.TakeAsync(_streamId, 0);
        Assert.Equal(["b", "c", "d", "e", "root"], told.Keys.Order());
        Assert.Equal(told.OrderBy(peer => peer.Key), stored!.Peers.Select(peer => KeyValuePair.Create(peer.Member.PeerId, Assert.Single(peer.Places).Place.ParentId ?? "")).OrderBy(peer => peer.Key));
        Assert.Equal(_streamId, await host.Store.ClaimChannelAsync($"channel-{_streamId}", "another"));
        Assert.Contains(_streamId, await host.Store.ListLiveAsync());
    }

    [Fact]
    public async Task After_the_time_newcomers_are_refused_and_the_tree_heals_all_the_same()
    {
        await using var outage = await Outage.StartAsync("Redis, paused");
        await using var host = await Start(outage.ConnectionString, journalAwaySeconds: 0);
        foreach (var id in new List<string> { "a", "b", "c", "d", "e" })
            await Join(host, id);
        await outage.BeginAsync();
        // Nobody knows that the store is away until one commit has waited for it.
        await Join(host, "last");
        var refused = await Assert.ThrowsAsync<RpcException>(() => Join(host, "late"));
        Assert.Equal(("journal_away", StatusCode.Unavailable), (Fault.ReasonOf(refused), refused.StatusCode));
        await Join(host, "b");
        var relay = (await Tree(host))["e"];
        Assert.NotEqual("root", relay);
        await Leave(host, relay);
        var tree = await Tree(host);
        Assert.Equal(6, tree.Count);
        Assert.DoesNotContain(relay, tree.Values);
        await outage.EndAsync();
        await Until(async () =>
        {
            await host.Grain(_streamId).Tick();
            return (await host.Grain(_streamId).Get()).Value!.IsJournaled;
        });
        await Join(host, "late");
        Assert.Equal(7, (await Tree(host)).Count);
    }

    [Fact]
    public async Task An_owner_whose_stream_was_taken_while_the_store_was_away_from_it_drops_what_it_decided()
    {
        await using var outage = await Outage.StartAsync("Redis, killed, with its data");
        await using var host = await Start(outage.ConnectionString);
        await Join(host, "a");
        await outage.BeginAsync();
        await Join(host, "b");
        Assert.False((await host.Grain(_streamId).Get()).Value!.IsJournaled);
        await outage.EndAsync();
        // Another owner is first.
        await using var connection = await ConnectionMultiplexer.ConnectAsync(outage.ConnectionString);
        var taken = await new StreamStore(connection, Options.Create(new TopologyOptions())).TakeAsync(_streamId, 0);
        Assert.Equal(["a", "root"], taken!.Peers.Select(peer => peer.Member.PeerId).Order());
        await Until(async () =>
        {
            await host.Grain(_streamId).Tick();
            return (await host.Grain(_streamId).Get()) is { Value.IsJournaled: true };
        });
        Assert.Equal(["a", "root"], (await Tree(host)).Keys.Order());
    }

    private async Task<TopologyHost> Start(string store, int journalAwaySeconds = 120)
    {
        // The owner looks after time only when the test says so.
        var host = await TopologyHost.StartOnTrueClockAsync(store, new Dictionary<string, string?>
        {
            ["Beacon:Topology:CommitTimeoutMs"] = "500",
            ["Beacon:Topology:TickMs"] = "10000",
            ["Beacon:Topology:PeerSilenceSeconds"] = "300",
            ["Beacon:Topology:JournalAwaySeconds"] = $"{journalAwaySeconds}",
        });
        await host.Edge.StartStreamAsync(
            new StartStreamRequest { StreamId = _streamId, Root = Peer("root"), Channel = $"channel-{_streamId}", Title = "A title", BitrateKbps = 1_000, UplinkMbps = 100, MaxChildren = 2 },
            host.Token);
        return host;
    }

    private static PeerIdentity Peer(string id) => new() { PeerId = id, AccountId = $"account-{id}", EdgeId = "edge-1", AddressBlock = $"block-{id}" };

    private async Task<LiveStream> Join(TopologyHost host, string id) =>
        (await host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = _streamId, Peer = Peer(id), UplinkMbps = 10, LatencyMs = 20 }, host.Token)).Stream;

    private async Task Leave(TopologyHost host, string id) =>
        await host.Edge.LeaveStreamAsync(new LeaveStreamRequest { StreamId = _streamId, PeerId = id, EdgeId = "edge-1" }, host.Token);

    private async Task<Dictionary<string, string>> Tree(TopologyHost host) =>
        (await host.Queries.GetTreeAsync(new GetTreeRequest { StreamId = _streamId })).Peers.ToDictionary(peer => peer.PeerId, peer => peer.ParentPeerId);

    private static Task Until(Func<Task> call) => Until(async () =>
    {
        await call();
        return true;
    });

    private static async Task Until(Func<Task<bool>> isTrue)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await isTrue())
                    return;
            }
            catch (Exception exception) when (exception is RpcException or RedisException or TimeoutException && watch.Elapsed < TimeSpan.FromSeconds(30))
            {
                // Not yet: the call itself waits for the store.
            }

            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "the store did not come back within 30 s");
        }
    }

    /// <summary>A store, and what happens to it.</summary>
    private sealed class Outage : IAsyncDisposable
    {
        private readonly RedisServer? _redis;
        private readonly bool _isPaused;
        private readonly IPEndPoint? _endpoint;
        private GarnetServer? _garnet;

        private Outage(RedisServer? redis, bool isPaused)
        {
            _redis = redis;
            _isPaused = isPaused;
            if (redis is null)
                _endpoint = new IPEndPoint(IPAddress.Loopback, Ports.Free());
        }

        public string ConnectionString => _redis?.ConnectionString ?? $"{_endpoint}";

        public static async Task<Outage> StartAsync(string how)
        {
            var isRedis = how.StartsWith("Redis", StringComparison.Ordinal);
            if (isRedis)
                RedisFixture.RequireInstalled();
            var outage = new Outage(isRedis ? new RedisServer(Ports.Free(), keepsData: how.EndsWith("with its data", StringComparison.Ordinal)) : null, how.EndsWith("paused", StringComparison.Ordinal));
            await outage.StartAsync();
            return outage;
        }

        public async Task BeginAsync()
        {
            if (_isPaused)
                await _redis!.PauseAsync();
            else if (_redis is not null)
                await _redis.KillAsync();
            else
                StopGarnet();
        }

        public async Task EndAsync()
        {
            if (_isPaused)
                await _redis!.ContinueAsync();
            else
                await StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (_redis is not null)
                await _redis.DisposeAsync();
            StopGarnet();
        }

        private async Task StartAsync()
        {
            if (_redis is not null)
            {
                await _redis.StartAsync();
                return;
            }

            _garnet = new GarnetServer(GarnetFixture.Options(_endpoint!));
            _garnet.Start();
        }

        private void StopGarnet()
        {
            _garnet?.Dispose();
            _garnet = null;
        }
    }
}
