using Beacon.Contracts.Events;
using Beacon.Raids.Life;
using Beacon.Raids.Streams;

namespace Beacon.Raids.Tests;

/// <summary>Each consumer of the service bears duplicates and disorder.</summary>
public sealed class DeliveryTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2099, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private RaidsHost? _host;

    private RaidsHost Host => _host!;

    /// <summary>Consumer and message, with what must be seen in the end.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { "BroadcasterAwayConsumer of BroadcasterAway", "one raid at 12:59:57" },
        { "RaidDeclinedConsumer of RaidDeclined", "2 declined" },
        { "SquadChangedConsumer of SquadChanged", "12:00 host second" },
        { "StreamAudienceChangedConsumer of StreamAudienceChanged", "12:00 5 viewers" },
        { "StreamEndedConsumer of StreamEnded", "13:00 0 viewers" },
        { "StreamStartedConsumer of StreamStarted", "13:00 0 viewers" },
    };

    public async ValueTask InitializeAsync()
    {
        await garnet.ClearAsync();
        _host = await RaidsHost.StartAsync(garnet, seed: 5);
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public void Every_consumer_is_among_the_cases() => Assert.Equal(ConsumerCase.In(typeof(StreamStartedConsumer).Assembly), Cases.Select(row => row.Data.Item1));

    [Theory]
    [MemberData(nameof(Cases))]
    public Task A_consumer_bears_duplicates_and_disorder(string consumed, string seen) => Case(consumed).AssertToleratesDuplicatesAndDisorderAsync(seen);

    private ConsumerCase Case(string consumed) => consumed switch
    {
        "StreamStartedConsumer of StreamStarted" => Of(Array.Empty<Func<string, StreamStarted>>(), ViewersAsync, stream => Started(stream, Noon), stream => Started(stream, Noon.AddHours(1))),
        // A life that ended, and the next one.
        "StreamEndedConsumer of StreamEnded" => Of<object>(
            [], ViewersAsync, stream => Started(stream, Noon), stream => new StreamEnded(stream, $"channel-{stream}", "host", "ended", [], Noon.AddMinutes(30)), stream => Started(stream, Noon.AddHours(1))),
        "StreamAudienceChangedConsumer of StreamAudienceChanged" => Of(
            [stream => Started(stream, Noon)], ViewersAsync, stream => new StreamAudienceChanged(stream, 9, 1, Noon.AddSeconds(10)), stream => new StreamAudienceChanged(stream, 5, 1, Noon.AddSeconds(20))),
        "SquadChangedConsumer of SquadChanged" => Of(
            [stream => Started(stream, Noon)],
            async stream => await EntryAsync(stream) is { } entry ? $"{entry.StartedAt:HH:mm} {entry.Squad.Replace(StreamEntry.Separator, ' ')}" : "nothing",
            stream => new SquadChanged(1, stream, 1, ["host", "first"]),
            stream => new SquadChanged(2, stream, 2, ["host", "second"])),
        // Two viewers stay behind when a lost broadcaster's audience is to be sent on.
        "RaidDeclinedConsumer of RaidDeclined" => new(2, async () =>
        {
            var run = Guid.CreateVersion7();
            await DeliverAsync(Away($"{run}", Noon.AddHours(1)), run);
            var raid = (await Host.Get<RaidStore>().FindOfStreamAsync($"{run}"))!.RaidId;
            string[] viewers = ["one", "two"];
            return (number => DeliverAsync(new RaidDeclined(raid, $"{run}", viewers[number]), Delivery.MessageId(run, number)),
                async () => $"{await Host.Get<RaidStore>().DeclinesAsync(raid)} declined");
        }),
        // Two absences.
        "BroadcasterAwayConsumer of BroadcasterAway" => Of(
            Array.Empty<Func<string, StreamStarted>>(),
            async stream => await Host.Get<RaidStore>().FindOfStreamAsync(stream) is { IsFinal: false } raid ? $"one raid at {raid.MovesAt:HH:mm:ss}" : "no raid",
            stream => Away(stream, Noon.AddMinutes(30)),
            stream => Away(stream, Noon.AddHours(1))),
        _ => throw new ArgumentOutOfRangeException(nameof(consumed), consumed, "A consumer without a case: say here what duplicates and disorder must not change."),
    };

    private ConsumerCase Of<T>(Func<string, StreamStarted>[] before, Func<string, Task<string>> observe, params Func<string, T>[] messages) where T : class => new(messages.Length, async () =>
    {
        var run = Guid.CreateVersion7();
        foreach (var fact in before)
            await Host.PublishAsync(fact(run.ToString()));
        return (number => DeliverAsync(messages[number](run.ToString()), Delivery.MessageId(run, number)), () => observe(run.ToString()));
    });

    private Task DeliverAsync(object message, Guid id) => message switch
    {
        StreamStarted started => Host.MessageBus.DeliverAsync(started, id),
        StreamEnded ended => Host.MessageBus.DeliverAsync(ended, id),
        StreamAudienceChanged audience => Host.MessageBus.DeliverAsync(audience, id),
        SquadChanged squad => Host.MessageBus.DeliverAsync(squad, id),
        RaidDeclined declined => Host.MessageBus.DeliverAsync(declined, id),
        BroadcasterAway away => Host.MessageBus.DeliverAsync(away, id),
        _ => throw new ArgumentOutOfRangeException(nameof(message)),
    };

    private async Task<string> ViewersAsync(string stream) => await EntryAsync(stream) is { } entry ? $"{entry.StartedAt:HH:mm} {entry.Viewers} viewers" : "nothing";

    private Task<StreamEntry?> EntryAsync(string stream) => Host.Get<StreamDirectory>().FindAsync(stream);

    private static StreamStarted Started(string stream, DateTimeOffset at) => new(stream, $"channel-{stream}", "A title", "host", 800, at);

    private static BroadcasterAway Away(string stream, DateTimeOffset endsAt) => new(stream, $"channel-{stream}", "host", Noon, endsAt);
}
