using Beacon.Contracts.Events;
using Beacon.Raids.Channels;
using Beacon.Raids.Life;
using Beacon.ServiceDefaults;
using MassTransit;

namespace Beacon.Raids.Streams;

internal sealed class StreamStartedConsumer(StreamDirectory directory, SettingsStore settings, RaidStore raids) : IConsumer<StreamStarted>
{
    /// <summary>Who goes live may raid: from now on everybody can see to which seed its draw is bound.</summary>
    public async Task Consume(ConsumeContext<StreamStarted> context)
    {
        var fact = context.Message;
        var stream = new StreamEntry(fact.StreamId, fact.Channel, fact.Title, fact.BroadcasterAccountId, fact.StartedAt, Viewers: 0, SpareSlots: 0);
        await raids.CommitSeedAsync(fact.Channel);
        await directory.StartedAsync(stream.With(await settings.GetAsync(fact.Channel)));
    }
}

internal sealed class StreamAudienceChangedConsumer(StreamDirectory directory, TimeProvider clock) : IConsumer<StreamAudienceChanged>
{
    public Task Consume(ConsumeContext<StreamAudienceChanged> context)
    {
        var fact = context.Message;
        return directory.AudienceAsync(fact.StreamId, fact.Viewers, fact.SpareSlots, fact.CountedAt ?? context.SentAt(clock));
    }
}

internal sealed class StreamEndedConsumer(StreamDirectory directory, TimeProvider clock) : IConsumer<StreamEnded>
{
    public Task Consume(ConsumeContext<StreamEnded> context) =>
        directory.EndedAsync(context.Message.StreamId, context.Message.Channel, context.Message.EndedAt ?? context.SentAt(clock));
}

internal sealed class BroadcasterAwayConsumer(RaidCommands commands) : IConsumer<BroadcasterAway>
{
    public Task Consume(ConsumeContext<BroadcasterAway> context) => commands.BroadcasterAwayAsync(context.Message);
}

internal sealed class SquadChangedConsumer(StreamDirectory directory) : IConsumer<SquadChanged>
{
    public Task Consume(ConsumeContext<SquadChanged> context) =>
        directory.SquadAsync(context.Message.StreamId, context.Message.Version, context.Message.AccountIds);
}

internal sealed class RaidDeclinedConsumer(RaidStore raids) : IConsumer<RaidDeclined>
{
    public Task Consume(ConsumeContext<RaidDeclined> context) => raids.DeclineAsync(context.Message.RaidId, context.Message.PeerId);
}
