using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using MassTransit;

namespace Beacon.Signaling.Tests;

/// <summary>What an edge tells its viewers of raids, and the places that it keeps and gives back.</summary>
public sealed class RaidNoticesTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private static readonly string Source = Guid.CreateVersion7().ToString();
    private static readonly string Target = Guid.CreateVersion7().ToString();
    private static readonly string Other = Guid.CreateVersion7().ToString();
    private static readonly string RaidId = Guid.CreateVersion7().ToString();
    private readonly Asked _asked = new();
    private SignalingHost? _host;
    private FrameSocket? _viewer;
    private string _peerId = "";

    private FrameSocket Viewer => _viewer!;

    public async ValueTask InitializeAsync()
    {
        _host = await SignalingHost.StartAsync(garnet.ConnectionString, _asked);
        _viewer = await FrameSocket.ConnectAsync(_host.WebSocket, _host.Guest().AccessToken);
        _peerId = (await JoinAsync(Viewer, Source)).PeerId;
    }

    public async ValueTask DisposeAsync()
    {
        await Viewer.DisposeAsync();
        await _host!.DisposeAsync();
    }

    [Fact]
    public async Task A_viewer_with_a_place_joins_under_the_id_that_it_has_there_and_is_told_once()
    {
        await PublishAsync(Announced(Target));
        Assert.Equal((Target, false, false), (await RaidAsync()) is var announced ? (announced.TargetStreamId, announced.Placed, announced.Cancelled) : default);
        await PublishAsync(Prepared(Target));
        await PublishAsync(Prepared(Target));
        var placed = await RaidAsync();
        Assert.Equal((RaidId, Target, true), (placed.RaidId, placed.TargetStreamId, placed.Placed));
        Assert.InRange(placed.CountdownMs, 1u, 60_000u);

        Assert.Equal(PlaceIn(Target), (await JoinAsync(Viewer, Target)).PeerId);
        Assert.Equal(PlaceIn(Target), _asked.Joins.Last().Peer.PeerId);
        // Another target in the last word is for who has no place.
        await PublishAsync(Launched(Other, placesHold: true));
        Assert.Equal((Target, 0u), (await RaidAsync()) is var told ? (told.TargetStreamId, told.CountdownMs) : default);
    }

    [Fact]
    public async Task A_raid_that_is_announced_again_after_a_crash_is_no_news_and_its_next_target_is()
    {
        var announced = Announced(Target);
        await PublishAsync(announced);
        await PublishAsync(announced);
        await PublishAsync(announced with { TargetStreamId = Other });

        Assert.Equal(Target, (await RaidAsync()).TargetStreamId);
        Assert.Equal(Other, (await RaidAsync()).TargetStreamId);
    }

    [Fact]
    public async Task A_place_outlives_the_stream_that_its_viewer_leaves()
    {
        await PublishAsync(Launched(Target, placesHold: false));
        await PublishAsync(Ended(Source));
        await Viewer.WaitAsync(ServerFrame.FrameOneofCase.StreamEnded);
        Assert.Equal(PlaceIn(Target), (await JoinAsync(Viewer, Target)).PeerId);
    }

    [Fact]
    public async Task A_cancelled_raid_takes_its_viewers_out_of_the_target_joined_or_not()
    {
        await using var second = await FrameSocket.ConnectAsync(_host!.WebSocket, _host.Guest().AccessToken);
        var secondId = (await JoinAsync(second, Source)).PeerId;
        await PublishAsync(Prepared(Target, secondId));
        await RaidAsync();
        await JoinAsync(Viewer, Target);
        await PublishAsync(new RaidCancelled(RaidId, Source, "cancelled_by_raider"));
        Assert.Equal(
            new[] { PlaceIn(Target), RaidPlace.PeerId(RaidId, Target, secondId) }.Order(StringComparer.Ordinal),
            new[] { await _asked.NextLeaveAsync(), await _asked.NextLeaveAsync() }.Order(StringComparer.Ordinal));
        Assert.True((await RaidAsync()).Cancelled);
        // It is a viewer like any other now.
        Assert.NotEqual(PlaceIn(Target), (await JoinAsync(Viewer, Target)).PeerId);
        // Places that were on their way come too late.
        await PublishAsync(Prepared(Target));
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
    }

    [Fact]
    public async Task Another_target_takes_the_place_in_the_former_one_back()
    {
        await PublishAsync(Announced(Target));
        await PublishAsync(Prepared(Target));
        await PublishAsync(Announced(Other));
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
        await PublishAsync(Prepared(Other));
        await Viewer.WaitAsync(frame => frame.Raid is { Placed: true } raid && raid.TargetStreamId == Other, "a place in the other one");
        Assert.Equal(PlaceIn(Other), (await JoinAsync(Viewer, Other)).PeerId);
    }

    [Fact]
    public async Task A_place_that_the_last_word_does_not_confirm_is_given_back()
    {
        await PublishAsync(Prepared(Target));
        await RaidAsync();
        await PublishAsync(Launched(Other, placesHold: false));
        Assert.Equal(Other, (await RaidAsync()).TargetStreamId);
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
    }

    [Fact]
    public async Task When_a_stream_ends_without_its_raid_the_places_are_given_back()
    {
        await PublishAsync(Prepared(Target));
        await PublishAsync(Ended(Source));
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
    }

    [Fact]
    public async Task Who_declines_is_not_sent_on_gives_its_place_back_and_is_counted_once()
    {
        var declined = new TaskCompletionSource<RaidDeclined>(TaskCreationOptions.RunContinuationsAsynchronously);
        var endpoint = _host!.Get<IBusControl>().ConnectReceiveEndpoint("test-declined", setup => setup.Handler<RaidDeclined>(context =>
        {
            declined.SetResult(context.Message);
            return Task.CompletedTask;
        }));
        await endpoint.Ready;
        await PublishAsync(Announced(Target));
        await PublishAsync(Prepared(Target));
        await RaidAsync();

        await DeclineAsync(Source, RaidId);

        Assert.Equal(new RaidDeclined(RaidId, Source, _peerId), await declined.Task.WaitAsync(FrameSocket.Patience));
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
        await PublishAsync(Prepared(Target));
        Assert.Equal(PlaceIn(Target), await _asked.NextLeaveAsync());
        await DeclineAsync(Source, RaidId);
        await PublishAsync(Launched(Target, placesHold: true));
        await PublishAsync(Ended(Source));
        Assert.Equal(
            ServerFrame.FrameOneofCase.StreamEnded,
            (await Viewer.WaitAsync(frame => frame.StreamEnded is not null || frame.Raid is { CountdownMs: 0 }, "the end, and no raid")).FrameCase);
    }

    [Fact]
    public async Task What_was_not_announced_cannot_be_declined()
    {
        await DeclineAsync(Source, RaidId);
        Assert.Equal("raid_not_announced", (await Viewer.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await PublishAsync(Announced(Target));
        await RaidAsync();
        await DeclineAsync(Source, Guid.NewGuid().ToString());
        Assert.Equal("raid_not_announced", (await Viewer.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
        await DeclineAsync(Other, RaidId);
        Assert.Equal("not_in_stream", (await Viewer.WaitAsync(ServerFrame.FrameOneofCase.Error)).Error.Reason);
    }

    [Fact]
    public async Task Who_joins_during_the_countdown_hears_of_the_raid()
    {
        await PublishAsync(Announced(Target));
        await RaidAsync();
        await using var late = await FrameSocket.ConnectAsync(_host!.WebSocket, _host.Guest().AccessToken);
        await JoinAsync(late, Source);
        var raid = (await late.WaitAsync(ServerFrame.FrameOneofCase.Raid)).Raid;
        Assert.Equal((RaidId, Target), (raid.RaidId, raid.TargetStreamId));
        Assert.InRange(raid.CountdownMs, 1u, 60_000u);
    }

    private static async Task<StreamJoined> JoinAsync(FrameSocket socket, string streamId) =>
        (await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = streamId } })).StreamJoined;

    private Task DeclineAsync(string streamId, string raidId) => Viewer.SendAsync(new ClientFrame { DeclineRaid = new DeclineRaid { StreamId = streamId, RaidId = raidId } });

    private async Task<Raid> RaidAsync() => (await Viewer.WaitAsync(ServerFrame.FrameOneofCase.Raid)).Raid;

    private Task PublishAsync<T>(T fact) where T : class => _host!.Get<IBus>().Publish(fact, TestContext.Current.CancellationToken);

    private string PlaceIn(string target) => RaidPlace.PeerId(RaidId, target, _peerId);

    private static DateTimeOffset InAMinute => TimeProvider.System.GetUtcNow().AddMinutes(1);

    private static RaidAnnounced Announced(string target) => new(RaidId, Source, target, "there", "Title", 7, InAMinute);

    private RaidPrepared Prepared(string target, params string[] others) => new(RaidId, Source, target, "there", "Title", 7, InAMinute, [_peerId, "somebody elsewhere", .. others]);

    private static RaidLaunched Launched(string target, bool placesHold) => new(RaidId, Source, target, "there", "Title", 7, TimeProvider.System.GetUtcNow(), [], placesHold);

    private static Contracts.Events.StreamEnded Ended(string streamId) => new(streamId, "here", "account", "ended", []);
}
