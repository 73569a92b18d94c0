using Beacon.Contracts.Events;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Tests;

public sealed class StreamStateTests
{
    private readonly TopologyOptions _options = new();

    [Fact]
    public void The_next_owner_numbers_what_it_tells_above_all_that_the_former_one_told_although_its_clock_is_behind()
    {
        var former = Started(nowMs: 10_000);
        former.Join(Command("a"), nowMs: 50_000);
        var batch = former.TakeBatch(whole: false);
        var told = Numbers(batch, "a").Max();
        var next = Restored(batch, epoch: 20_000);
        next.Join(Command("a"), nowMs: 20_001);
        Assert.True(Numbers(next.TakeBatch(whole: false), "a").Min() > told);
        // Who leaves and comes back hears no lower number either.
        next.Leave(["a"], "edge-1", nowMs: 20_002);
        next.Join(Command("a"), nowMs: 20_003);
        Assert.True(Numbers(next.TakeBatch(whole: false), "a").Min() > told);
    }

    [Fact]
    public void A_parent_is_not_written_anew_for_every_child_that_comes()
    {
        var stream = Started(nowMs: 10_000);
        stream.Join(Command("a"), nowMs: 10_001);
        stream.TakeBatch(whole: false);
        stream.Join(Command("b"), nowMs: 10_002);
        var batch = stream.TakeBatch(whole: false);
        Assert.Contains(batch.News.Changes, change => change.PeerId == "root");
        // The newcomer, and the one whose standby it becomes.
        Assert.Equal(2, batch.Store.Peers);
    }

    private StreamState Started(long nowMs)
    {
        var stream = new StreamState("stream", new StreamMeta("channel", "A title", "account-root", 1_000, MaxChildren: 4, Stripes: 1, nowMs), _options, nowMs);
        stream.StartRoot(new StartCommand(Member("root"), "channel", "A title", 1_000, 100, MaxChildren: 4, Resume: false), nowMs);
        return stream;
    }

    private StreamState Restored(PendingBatch batch, long epoch) => new(
        "stream",
        new StoredStream(
            epoch,
            StreamRecord.ReadMeta(StreamRecord.Write(batch.Store.Meta!)),
            StreamRecord.ReadSegments(batch.Store.Segments.Bytes),
            new Dictionary<long, RelayWorkVerified>()),
        _options,
        epoch);

    private static IEnumerable<long> Numbers(PendingBatch batch, string peerId) =>
        batch.News.Changes.Where(change => change.PeerId == peerId).Select(change => StreamState.NumberOf(MemberState.Of(change.Peer), change));

    private static JoinCommand Command(string id) => new(Member(id), UplinkMbps: 10, LatencyMs: 20);

    private static Member Member(string id) => new(id, $"account-{id}", "edge-1", "");
}
