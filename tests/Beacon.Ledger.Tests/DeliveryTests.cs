using Beacon.Contracts.Events;
using Beacon.Ledger.Consumers;
using Beacon.Ledger.Journal;
using Beacon.Testing;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace Beacon.Ledger.Tests;

/// <summary>Each consumer of the service bears duplicates and disorder.</summary>
public sealed class DeliveryTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private LedgerHost? _host;

    private LedgerHost Host => _host!;

    /// <summary>Consumer and message, with what must be seen in the end.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { "RelayWorkConsumer of RelayWorkVerified", "30" },
        { "StreamEndedConsumer of StreamEnded", "13:00 live" },
        { "StreamStartedConsumer of StreamStarted", "13:00 live" },
    };

    public async ValueTask InitializeAsync() => _host = await LedgerHost.StartAsync();

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public void Every_consumer_is_among_the_cases() => Assert.Equal(ConsumerCase.In(typeof(RelayWorkConsumer).Assembly), Cases.Select(row => row.Data.Item1));

    [Theory]
    [MemberData(nameof(Cases))]
    public Task A_consumer_bears_duplicates_and_disorder(string consumed, string seen) => Case(consumed).AssertToleratesDuplicatesAndDisorderAsync(seen);

    private ConsumerCase Case(string consumed) => consumed switch
    {
        // Two windows, of 1 and of 2 Mbit/s in ten seconds.
        "RelayWorkConsumer of RelayWorkVerified" => Of(
            stream => [Work(stream, 1, 1_250), Work(stream, 2, 2_500)],
            async stream => Delivery.Text(await Host.BalanceAsync($"relay-{stream}"))),
        "StreamStartedConsumer of StreamStarted" => Of(stream => [Started(stream, Noon), Started(stream, Noon.AddHours(1))], RecordAsync),
        // A life that ended, and the next one.
        "StreamEndedConsumer of StreamEnded" => Of(
            stream => [Started(stream, Noon), new StreamEnded(stream, "channel", "host", "ended", [], Noon.AddMinutes(30)), Started(stream, Noon.AddHours(1))],
            RecordAsync),
        _ => throw new ArgumentOutOfRangeException(nameof(consumed), consumed, "A consumer without a case: say here what duplicates and disorder must not change."),
    };

    private ConsumerCase Of(Func<string, object[]> messages, Func<string, Task<string>> observe) => new(messages("").Length, () =>
    {
        var run = Guid.CreateVersion7();
        var sent = messages(run.ToString());
        var bus = Host.Services.GetRequiredService<IBus>();
        return Task.FromResult<(Func<int, Task>, Func<Task<string>>)>((number => sent[number] switch
        {
            StreamStarted started => bus.DeliverAsync(started, Delivery.MessageId(run, number)),
            StreamEnded ended => bus.DeliverAsync(ended, Delivery.MessageId(run, number)),
            RelayWorkVerified work => bus.DeliverAsync(work, Delivery.MessageId(run, number)),
            _ => throw new ArgumentOutOfRangeException(nameof(messages)),
        }, () => observe(run.ToString())));
    });

    private async Task<string> RecordAsync(string streamId)
    {
        var record = await Host.Services.GetRequiredService<LedgerWriter>().ExecuteAsync(state => state.Stream(streamId)!, waitForRoom: true, CancellationToken.None);
        return $"{DateTimeOffset.FromUnixTimeMilliseconds(record.StartedAtMs):HH:mm} {(record.IsLive ? "live" : "over")}";
    }

    private static StreamStarted Started(string stream, DateTimeOffset at) => new(stream, "channel", "A title", "host", 800, at);

    private static RelayWorkVerified Work(string stream, long window, long bytes) => new(stream, "host", window, 10_000, 0, [new VerifiedRelay($"relay-{stream}", bytes)]);
}
