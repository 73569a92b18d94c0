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

    private static readonly StreamMeta Meta = new("chan", "A title with \"quotes\" and ü", "acc", 2_500, 2, 1, 1_000) { LastSettledWindow = 7, TreeVersion = long.MaxValue };

    private static Member MemberOf(string id) => new(id, $"account-{id}", "edge-1", "10.0.0");

    private static StripePlace Place(string id, string? parent = "root", int stripe = 0) =>
        new(stripe, new PeerRecord(id, parent is null, 10, 20, 2, parent, null, 3, "joined", 5, 0, 0, 0, false));

    private static StreamBatch Batch(
        StreamMeta? meta = null, string[]? members = null, StripePlace[]? places = null, string[]? removed = null, RelayWorkVerified[]? outbox = null, long[]? published = null, bool whole = false) =>
        new(meta, Segments.Of((members ?? []).Select(MemberOf), places ?? [], removed), outbox ?? [], published ?? [], RenewTtl: true, whole);

    private static StreamBatch Peers(params string[] ids) => Batch(members: ids, places: [.. ids.Select(id => Place(id))]);

    private async Task<CommitOutcome> Commit(long epoch, long number, StreamBatch batch) => await _store.CommitAsync(_streamId, epoch, number, batch);

    private async Task<long> Created(StreamBatch? first = null)
    {
        var epoch = await _store.CreateAsync(_streamId, 1_000);
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 1, first ?? Batch(Meta, whole: true)));
        return epoch;
    }

    private async Task<IEnumerable<string>> StoredIds() => (await _store.TakeAsync(_streamId, 500))!.Peers.Select(peer => peer.Member.PeerId).Order(StringComparer.Ordinal);

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
        var work = new RelayWorkVerified(_streamId, "acc", 42, 10_000, 3, [new VerifiedRelay("alice", 77, 3, 1, 2, 4, 5), new VerifiedRelay("bob", long.MaxValue)], 99);
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 1, Batch(Meta, ["root", "a", "b"], [Place("root", null), Place("a"), Place("b")], outbox: [work], whole: true)));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 2, Batch(members: ["c"], places: [Place("c", "a"), Place("a", "c")], removed: ["b"])));

        var stored = await _store.TakeAsync(_streamId, 500);
        Assert.NotNull(stored);
        // Epochs grow although the clock of the new owner is behind.
        Assert.Equal(1_001, stored.Epoch);
        Assert.Equal(Meta, stored.Meta);
        Assert.Equal([MemberOf("a"), MemberOf("c"), MemberOf("root")], stored.Peers.Select(peer => peer.Member).OrderBy(member => member.PeerId));
        Assert.Equal([Place("a", "c"), Place("c", "a"), Place("root", null)], stored.Peers.SelectMany(peer => peer.Places).OrderBy(place => place.Place.Id));
        var outbox = Assert.Single(stored.Outbox);
        Assert.Equal(42, outbox.Key);
        Assert.Equivalent(work, outbox.Value);
        Assert.Equal(CommitOutcome.Done, await Commit(stored.Epoch, 1, Batch(published: [42])));
        Assert.Empty((await _store.TakeAsync(_streamId, 500))!.Outbox);
    }

    [Fact]
    public async Task A_peer_that_left_and_came_back_has_its_new_facts_and_a_place_in_every_stripe()
    {
        var epoch = await Created();
        await Commit(epoch, 2, Batch(members: ["a"], places: [Place("a"), Place("a", "x", stripe: 1), Place("a", "y", stripe: 300)]));
        await Commit(epoch, 3, Batch(removed: ["a"]));
        Assert.Empty(await StoredIds());
        epoch = (await _store.TakeAsync(_streamId, 500))!.Epoch;
        await Commit(epoch, 1, Batch() with { Segments = Segments.Of([MemberOf("a") with { EdgeId = "edge-2" }], [Place("a", "z", stripe: 1)]) });
        var peer = Assert.Single((await _store.TakeAsync(_streamId, 500))!.Peers);
        Assert.Equal("edge-2", peer.Member.EdgeId);
        Assert.Equal([Place("a", "z", stripe: 1)], peer.Places);
    }

    [Fact]
    public async Task A_stale_owner_writes_nothing()
    {
        var stale = await Created(Batch(Meta, ["root"], [Place("root", null)], whole: true));
        var taken = await _store.TakeAsync(_streamId, 2_000);
        Assert.Equal(2_000, taken!.Epoch);
        Assert.Equal(CommitOutcome.Stale, await Commit(stale, 2, Batch(Meta with { Title = "stale" }, ["x"], [Place("x")], ["root"])));
        Assert.Equal(CommitOutcome.Stale, await Commit(stale, 3, Batch(Meta with { Title = "stale" }, whole: true)));
        Assert.Equal(CommitOutcome.Stale, await Commit(stale, 4, Whole(20_000)));
        Assert.False(await _store.DeleteAsync(_streamId, stale));
        var stored = await _store.TakeAsync(_streamId, 2_000);
        Assert.Equal(Meta, stored!.Meta);
        Assert.Equal(["root"], await StoredIds());
    }

    [Fact]
    public async Task A_commit_after_one_that_never_came_is_refused_until_the_whole_is_written()
    {
        var epoch = await Created();
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 2, Peers("a")));
        Assert.Equal(CommitOutcome.Broken, await Commit(epoch, 4, Peers("c")));
        Assert.Equal(CommitOutcome.Broken, await Commit(epoch, 2, Peers("b")));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 5, Batch(Meta, ["a", "b", "c"], [Place("a"), Place("b"), Place("c")], whole: true)));
        // The lost one comes after all.
        Assert.Equal(CommitOutcome.Broken, await Commit(epoch, 3, Batch(removed: ["a"])));
        Assert.Equal(CommitOutcome.Broken, await Commit(epoch, 5, Batch(Meta, whole: true)));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 6, Peers("d")));
        Assert.Equal(["a", "b", "c", "d"], await StoredIds());
    }

    [Fact]
    public async Task A_whole_record_replaces_all_that_was_there_also_windows()
    {
        var work = new RelayWorkVerified(_streamId, "acc", 42, 10_000, 3, []);
        var epoch = await Created(Batch(Meta, ["root", "a"], [Place("root", null), Place("a")], outbox: [work], whole: true));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 9, Batch(Meta with { Title = "b" }, ["root"], [Place("root", null)], outbox: [work with { Window = 43 }], whole: true)));
        var stored = await _store.TakeAsync(_streamId, 2_000);
        Assert.Equal("b", stored!.Meta.Title);
        Assert.Equal([43L], stored.Outbox.Keys);
        Assert.Equal(["root"], await StoredIds());
    }

    [Fact]
    public async Task A_record_that_the_store_lost_is_reported_and_can_be_written_whole()
    {
        var epoch = await Created();
        foreach (var key in new List<string> { "meta", "log", "outbox" })
            await redis.GetDatabase().KeyDeleteAsync($"beacon:{{{_streamId}}}:{key}");
        Assert.Equal(CommitOutcome.Broken, await Commit(epoch, 2, Peers("a")));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 3, Batch(Meta, ["b"], [Place("b")], whole: true)));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 4, Peers("c")));
        Assert.Equal(["b", "c"], await StoredIds());
    }

    [Fact]
    public async Task An_epoch_of_a_deleted_stream_is_not_given_out_again_and_its_owner_does_not_bring_it_back()
    {
        var first = await Created();
        var second = (await _store.TakeAsync(_streamId, 1_200))!.Epoch;
        Assert.True(await _store.DeleteAsync(_streamId, second));
        Assert.Null(await _store.TakeAsync(_streamId, 1_500));
        Assert.Equal(CommitOutcome.Stale, await Commit(first, 2, Batch(Meta, whole: true)));
        Assert.Equal(CommitOutcome.Stale, await Commit(first, 3, Whole(20_000)));
        Assert.Null(await _store.TakeAsync(_streamId, 1_500));
        Assert.Equal(2_000, await _store.CreateAsync(_streamId, 2_000));
        Assert.Equal(CommitOutcome.Stale, await Commit(first, 4, Batch(Meta)));
    }

    [Fact]
    public async Task A_record_too_large_for_one_script_is_put_in_force_at_once_and_leaves_nothing_beside_it()
    {
        var epoch = await Created(Batch(Meta, ["old"], [Place("old")], whole: true));
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 2, Whole(20_000)));
        Assert.Equal(20_000, (await StoredIds()).Count());
        Assert.False(await redis.GetDatabase().KeyExistsAsync($"beacon:{{{_streamId}}}:log:2"));
        epoch = (await _store.TakeAsync(_streamId, 500))!.Epoch;
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 1, Batch(removed: [.. Enumerable.Range(1, 19_999).Select(LongId)])));
        Assert.Equal([LongId(0)], await StoredIds());
    }

    [Fact]
    public async Task A_batch_of_thousands_is_written_whole()
    {
        var epoch = await Created();
        Assert.Equal(CommitOutcome.Done, await Commit(epoch, 2, Whole(5_001) with { IsWhole = false }));
        Assert.Equal(5_001, (await StoredIds()).Count());
    }

    [Fact]
    public async Task Commits_under_way_at_a_change_of_owner_are_either_before_it_or_refused()
    {
        var epoch = await Created();
        var commits = Enumerable.Range(0, 200).Select(peer => _store.CommitAsync(_streamId, epoch, peer + 2, Peers($"p{peer:D3}"))).ToList();
        var stored = await _store.TakeAsync(_streamId, 2_000);
        var outcomes = await Task.WhenAll(commits);
        Assert.Equal(outcomes.Count(outcome => outcome == CommitOutcome.Done), stored!.Peers.Count);
        Assert.Equal(200, outcomes.Count(outcome => outcome is CommitOutcome.Done or CommitOutcome.Stale));
        Assert.Equal(stored.Peers.Count, (await StoredIds()).Count());
    }

    private static string LongId(int peer) => $"{new string('p', 100)}{peer:D6}";

    private static StreamBatch Whole(int peers)
    {
        var ids = Enumerable.Range(0, peers).Select(LongId).ToArray();
        return Batch(Meta, ids, [.. ids.Select(id => Place(id))], whole: true);
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
