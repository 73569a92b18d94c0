using Beacon.Contracts.Events;
using MassTransit;

namespace Beacon.Raids.Streams;

internal sealed class StreamStartedConsumer(StreamDirectory directory) : IConsumer<StreamStarted>
{
    public Task Consume(ConsumeContext<StreamStarted> context)
    {
        var fact = context.Message;
        return directory.StartedAsync(new StreamEntry(fact.StreamId, fact.Channel, fact.Title, fact.BroadcasterAccountId, fact.StartedAt, Viewers: 0, SpareSlots: 0));
    }
}

internal sealed class StreamAudienceChangedConsumer(StreamDirectory directory) : IConsumer<StreamAudienceChanged>
{
    public Task Consume(ConsumeContext<StreamAudienceChanged> context) =>
        directory.AudienceAsync(context.Message.StreamId, context.Message.Viewers, context.Message.SpareSlots);
}

internal sealed class StreamEndedConsumer(StreamDirectory directory, TimeProvider clock) : IConsumer<StreamEnded>
{
    /// <summary>The time of sending, not of arrival: a late copy must not end a later life of the same stream id.</summary>
    public Task Consume(ConsumeContext<StreamEnded> context) =>
        directory.EndedAsync(context.Message.StreamId, context.SentTime is { } sent ? new DateTimeOffset(sent, TimeSpan.Zero) : clock.GetUtcNow());
}
