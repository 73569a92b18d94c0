using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Topology.Tests;

public sealed class StreamStoreOnGarnetTests(GarnetFixture garnet) : StreamStoreContract(garnet.Redis), IClassFixture<GarnetFixture>;

public sealed class StreamStoreOnRedisTests(RedisFixture redis) : StreamStoreContract(redis.Redis), IClassFixture<RedisFixture>;

/// <summary>What Topology needs of its store; each store that it may run on is held to all of it.</summary>
public abstract class StreamStoreContract(IConnectionMultiplexer redis)
{
    private readonly StreamStore _store = new(redis, Options.Create(new TopologyOptions()));
    private readonly string _streamId = Guid.CreateVersion7().ToString();

    private static readonly StreamMeta Meta = new("chan", "A title with \"quotes\" and ü", "acc", 2_500, 2, 1, 1_000) { LastSettledWindow = 7 };

    private static PeerState Peer(string id, string? parent = "root") => new(
        new Member(id, $"account-{id}", "edge-1", "10.0.0"),
        new PeerRecord(id, parent is null, 10, 20, 2, parent, null, 3, "joined", 5, 0, 0, 0, false));

    private static StreamBatch Batch(StreamMeta? meta = null, PeerState[]? peers = null, string[]? removed = null, RelayWorkVerified[]? outbox = null, long[]? published = null) =>
        new(meta, peers ?? [], removed ?? [], outbox ?? [], published ?? [], RenewTtl: true);

    [Fact]
    public async Task A_stream_that_nobody_made_is_not_there_and_asking_leaves_nothing_behind()
    {
        Assert.Null(await _store.TakeAsync(_streamId, 1_000));
        Assert.False(await redis.GetDatabase().KeyExistsAsync($"beacon:{{{_streamId}}}:meta"));
    }

    [Fact]
    public async Task What_was_committed_is_what_the_next_owner_reads()
    {
        var epoch = await _store.CreateAsync(_streamId, 1_000);
        Assert.Equal(1_000, epoch);
        var work = new RelayWorkVerified(_streamId, "acc", 42, 10_000, 3, [new VerifiedRelay("alice", 77)]);
        Assert.True(await _store.CommitAsync(_streamId, epoch, Batch(Meta, [Peer("root", null), Peer("a"), Peer("b")], outbox: [work])));
        Assert.True(await _store.CommitAsync(_streamId, epoch, Batch(peers: [Peer("c", "a")], removed: ["b"])));

        var stored = await _store.TakeAsync(_streamId, 500);
        Assert.NotNull(stored);
        // Epochs grow although the clock of the new owner is behind.
        Assert.Equal(1_001, stored.Epoch);
        Assert.Equal(Meta, stored.Meta);
        Assert.Equal([Peer("a"), Peer("c", "a"), Peer("root", null)], stored.Peers.OrderBy(peer => peer.Member.PeerId));
        var outbox = Assert.Single(stored.Outbox);
        Assert.Equal(42, outbox.Key);
        Assert.Equal([new VerifiedRelay("alice", 77)], outbox.Value.Relays);
        Assert.True(await _store.CommitAsync(_streamId, stored.Epoch, Batch(published: [42])));
        Assert.Empty((await _store.TakeAsync(_streamId, 500))!.Outbox);
    }

    [Fact]
    public async Task A_stale_owner_writes_nothing()
    {
        var stale = await _store.CreateAsync(_streamId, 1_000);
        Assert.True(await _store.CommitAsync(_streamId, stale, Batch(Meta, [Peer("root", null)])));
        var taken = await _store.TakeAsync(_streamId, 2_000);
        Assert.Equal(2_000, taken!.Epoch);
        Assert.False(await _store.CommitAsync(_streamId, stale, Batch(Meta with { Title = "stale" }, [Peer("x")], ["root"])));
        Assert.False(await _store.DeleteAsync(_streamId, stale));
        var stored = await _store.TakeAsync(_streamId, 2_000);
        Assert.Equal(Meta, stored!.Meta);
        Assert.Equal(["root"], stored.Peers.Select(peer => peer.Member.PeerId));
    }

    [Fact]
    public async Task An_epoch_of_a_deleted_stream_is_not_given_out_again()
    {
        var first = await _store.CreateAsync(_streamId, 1_000);
        Assert.True(await _store.CommitAsync(_streamId, first, Batch(Meta)));
        Assert.True(await _store.DeleteAsync(_streamId, first));
        Assert.Null(await _store.TakeAsync(_streamId, 1_500));
        Assert.Equal(2_000, await _store.CreateAsync(_streamId, 2_000));
        Assert.False(await _store.CommitAsync(_streamId, first, Batch(Meta)));
    }

    [Fact]
    public async Task A_batch_of_thousands_is_written_whole()
    {
        var epoch = await _store.CreateAsync(_streamId, 1_000);
        var peers = Enumerable.Range(0, 5_001).Select(peer => Peer($"p{peer:D4}")).ToArray();
        Assert.True(await _store.CommitAsync(_streamId, epoch, Batch(Meta, peers)));
        Assert.Equal(5_001, (await _store.TakeAsync(_streamId, 1_000))!.Peers.Count);
        var removed = peers.Skip(1).Select(peer => peer.Member.PeerId).ToArray();
        Assert.True(await _store.CommitAsync(_streamId, (await _store.TakeAsync(_streamId, 1_000))!.Epoch, Batch(removed: removed)));
        Assert.Equal(["p0000"], (await _store.TakeAsync(_streamId, 1_000))!.Peers.Select(peer => peer.Member.PeerId));
    }

    [Fact]
    public async Task Commits_under_way_at_a_change_of_owner_are_either_before_it_or_refused()
    {
        var epoch = await _store.CreateAsync(_streamId, 1_000);
        Assert.True(await _store.CommitAsync(_streamId, epoch, Batch(Meta)));
        var commits = Enumerable.Range(0, 200).Select(peer => _store.CommitAsync(_streamId, epoch, Batch(peers: [Peer($"p{peer:D3}")]))).ToList();
        var stored = await _store.TakeAsync(_streamId, 2_000);
        var accepted = await Task.WhenAll(commits);
        Assert.Equal(accepted.Count(done => done), stored!.Peers.Count);
        Assert.Equal(stored.Peers.Count, (await _store.TakeAsync(_streamId, 3_000))!.Peers.Count);
    }

    [Fact]
    public async Task A_channel_belongs_to_one_stream_until_that_one_frees_it()
    {
        var channel = $"channel-{_streamId}";
        Assert.Null(await _store.ClaimChannelAsync(channel, "one"));
        Assert.Null(await _store.ClaimChannelAsync(channel, "one"));
        Assert.Equal("one", await _store.ClaimChannelAsync(channel, "two"));
        await _store.ReleaseChannelAsync(channel, "two");
        Assert.Equal("one", await _store.ClaimChannelAsync(channel, "two"));
        await _store.ReleaseChannelAsync(channel, "one");
        Assert.Null(await _store.ClaimChannelAsync(channel, "two"));
    }
}
