using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Signaling.Bus;
using Google.Protobuf;
using MassTransit;

namespace Beacon.Signaling.Tests;

/// <summary>What this replica hears on the bus it bears twice and in another order: its clients end up with the same.</summary>
public sealed class DeliveryTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private static readonly DateTimeOffset MovesAt = TimeProvider.System.GetUtcNow().AddMinutes(30);
    private SignalingHost? _host;

    private SignalingHost Host => _host!;

    /// <summary>Consumer and message, with what the client must have heard in the end.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { "EdgeConsumers of ChallengeIssued", "window 8" },
        { "EdgeConsumers of CreditsEarned", "balance 30" },
        { "EdgeConsumers of PeersReassigned", "parent second" },
        { "EdgeConsumers of TipPosted", "tips of 1 and 2" },
        { "RaidConsumers of RaidAnnounced", "the raid is off" },
        { "RaidConsumers of RaidCancelled", "the raid is off" },
        { "RaidConsumers of RaidLaunched", "1 word to go" },
        { "RaidConsumers of RaidPrepared", "1 place" },
        { "RaidConsumers of StreamEnded", "1 end" },
    };

    public async ValueTask InitializeAsync() => _host = await SignalingHost.StartAsync(garnet.ConnectionString, settings: [("Signaling:GuestBurstPerAddress", "1000"), ("Signaling:HandshakeBurstPerAddress", "1000")]);

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public void Every_consumer_is_among_the_cases() => Assert.Equal(ConsumerCase.In(typeof(EdgeConsumers).Assembly), Cases.Select(row => row.Data.Item1));

    [Theory]
    [MemberData(nameof(Cases))]
    public Task A_consumer_bears_duplicates_and_disorder(string consumed, string heard) => Case(consumed).AssertToleratesDuplicatesAndDisorderAsync(heard);

    [Fact]
    public void The_inbox_knows_as_many_messages_as_it_holds_and_not_one_more()
    {
        var inbox = new Inbox();
        var ids = Enumerable.Range(0, Inbox.Capacity).Select(number => Delivery.MessageId(Guid.Empty, number)).ToList();
        Assert.All(ids, id => Assert.True(inbox.TryTake(id)));
        Assert.All(ids, id => Assert.False(inbox.TryTake(id)));
        Assert.True(inbox.TryTake(Guid.NewGuid()));
        Assert.False(inbox.TryTake(ids[1]));
        Assert.True(inbox.TryTake(ids[0]));
    }

    private ConsumerCase Case(string consumed) => consumed switch
    {
        "EdgeConsumers of PeersReassigned" => Of(
            viewer => [Parent(viewer, 1, "first"), Parent(viewer, 2, "second")],
            frames => $"parent {frames.Last(frame => frame.ParentAssigned is not null).ParentAssigned.ParentPeerId}"),
        "EdgeConsumers of ChallengeIssued" => Of(
            viewer => [Challenge(viewer, 7), Challenge(viewer, 8)],
            frames => $"window {Delivery.Text(frames.Last(frame => frame.Challenge is not null).Challenge.Window)}"),
        "RaidConsumers of RaidAnnounced" => Of(viewer => [Announced(viewer), new RaidCancelled(viewer.RaidId, viewer.StreamId, "cancelled_by_raider")], IsOff),
        "RaidConsumers of RaidCancelled" => Of(viewer => [new RaidCancelled(viewer.RaidId, viewer.StreamId, "cancelled_by_raider"), Announced(viewer), Prepared(viewer)], IsOff),
        "RaidConsumers of RaidPrepared" => Of(
            viewer => [Announced(viewer), Prepared(viewer)],
            frames => $"{frames.Count(frame => frame.Raid is { Placed: true })} place"),
        "RaidConsumers of RaidLaunched" => Of(
            viewer => [Announced(viewer), Launched(viewer, viewer.PeerId), Launched(viewer)],
            frames => $"{frames.Count(frame => frame.Raid is { CountdownMs: 0, Cancelled: false })} word to go"),
        "RaidConsumers of StreamEnded" => Of(
            viewer => [Parent(viewer, 1, "first"), new Contracts.Events.StreamEnded(viewer.StreamId, "channel", "host", "ended", [])],
            frames => $"{frames.Count(frame => frame.StreamEnded is not null)} end"),
        // Of an older balance nobody has anything: in disorder it is not told at all.
        "EdgeConsumers of CreditsEarned" => Of(
            viewer => [new CreditsEarned(viewer.Sequence, viewer.AccountId, 10, 10, "relay", ""), new CreditsEarned(viewer.Sequence + 1, viewer.AccountId, 20, 30, "tip", "")],
            frames => frames.Where(frame => frame.WalletUpdate is not null).ToList() is var told && told.DistinctBy(frame => frame.WalletUpdate.BalanceMicrocredits).Count() == told.Count
                ? $"balance {Delivery.Text(told[^1].WalletUpdate.BalanceMicrocredits)}"
                : "one twice"),
        "EdgeConsumers of TipPosted" => Of(
            viewer => [Tip(viewer, 1), Tip(viewer, 2)],
            frames => $"tips of {string.Join(" and ", frames.Where(frame => frame.TipReceived is not null).Select(frame => Delivery.Text(frame.TipReceived.AmountMicrocredits)).Order(StringComparer.Ordinal))}"),
        _ => throw new ArgumentOutOfRangeException(nameof(consumed), consumed, "A consumer without a case: say here what duplicates and disorder must not change."),
    };

    private static string IsOff(IReadOnlyList<ServerFrame> frames) => frames.LastOrDefault(frame => frame.Raid is not null)?.Raid is { Cancelled: true } ? "the raid is off" : "the raid is on";

    private ConsumerCase Of(Func<Viewer, object[]> messages, Func<IReadOnlyList<ServerFrame>, string> heard) => new(messages(Viewer.Nobody).Length, async () =>
    {
        var run = Guid.CreateVersion7();
        var guest = Host.Guest();
        var socket = await FrameSocket.ConnectAsync(Host.WebSocket, guest.AccessToken);
        var streamId = run.ToString();
        var joined = (await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = streamId } })).StreamJoined;
        var sent = messages(new Viewer(streamId, joined.PeerId, guest.AccountId, Guid.CreateVersion7().ToString(), Sequence: 7));
        return (number => DeliverAsync(sent[number], Delivery.MessageId(run, number)), async () =>
        {
            // A fence: what was sent before its answer has come.
            await socket.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } });
            var frames = socket.TakeAll();
            await socket.DisposeAsync();
            return heard(frames);
        });
    });

    private Task DeliverAsync(object message, Guid id)
    {
        var bus = Host.Get<IBus>();
        return message switch
        {
            PeersReassigned reassigned => bus.DeliverAsync(reassigned, id),
            ChallengeIssued challenge => bus.DeliverAsync(challenge, id),
            RaidAnnounced announced => bus.DeliverAsync(announced, id),
            RaidPrepared prepared => bus.DeliverAsync(prepared, id),
            RaidLaunched launched => bus.DeliverAsync(launched, id),
            RaidCancelled cancelled => bus.DeliverAsync(cancelled, id),
            Contracts.Events.StreamEnded ended => bus.DeliverAsync(ended, id),
            CreditsEarned earned => bus.DeliverAsync(earned, id),
            TipPosted tip => bus.DeliverAsync(tip, id),
            _ => throw new ArgumentOutOfRangeException(nameof(message)),
        };
    }

    private PeersReassigned Parent(Viewer viewer, long version, string parent)
    {
        var directive = new PeerDirective
        {
            PeerId = viewer.PeerId,
            Version = version,
            Kind = DirectiveKind.ParentAssigned,
            Neighbour = new PeerNeighbour { PeerId = parent, EdgeId = Host.EdgeId },
            Depth = 1,
            Reason = "joined",
        };
        return new PeersReassigned(Host.EdgeId, new PeerDirectives { Directives = { directive } }.ToByteArray());
    }

    private ChallengeIssued Challenge(Viewer viewer, long window) => new(Host.EdgeId, viewer.StreamId, window, 0, 1, new byte[16]);

    private static RaidAnnounced Announced(Viewer viewer) => new(viewer.RaidId, viewer.StreamId, viewer.TargetStreamId, "target", "The other one", 1, MovesAt);

    private static RaidPrepared Prepared(Viewer viewer) => new(viewer.RaidId, viewer.StreamId, viewer.TargetStreamId, "target", "The other one", 1, MovesAt, [viewer.PeerId]);

    private static RaidLaunched Launched(Viewer viewer, params string[] peerIds) =>
        new(viewer.RaidId, viewer.StreamId, viewer.TargetStreamId, "target", "The other one", 1, MovesAt, peerIds, PlacesHold: true);

    private static TipPosted Tip(Viewer viewer, long amount) => new(viewer.Sequence + amount, $"tip-{amount}", viewer.StreamId, "giver", "Giver", amount, [viewer.AccountId]);

    private sealed record Viewer(string StreamId, string PeerId, string AccountId, string RaidId, long Sequence)
    {
        public static Viewer Nobody { get; } = new("", "", "", "", 0);

        public string TargetStreamId => RaidPlace.PeerId(RaidId, StreamId, "target");
    }
}
