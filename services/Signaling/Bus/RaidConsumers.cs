using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Sessions;
using MassTransit;

namespace Beacon.Signaling.Bus;

/// <summary>What this replica hears of raids and of streams that end: one message after the other, so that a raid is told before the end of the stream that it leaves.</summary>
internal sealed class RaidConsumers(Edge edge, RaidNotices raids) :
    IConsumer<RaidLaunched>,
    IConsumer<RaidAnnounced>,
    IConsumer<RaidPrepared>,
    IConsumer<RaidCancelled>,
    IConsumer<Contracts.Events.StreamEnded>
{
    public Task Consume(ConsumeContext<RaidAnnounced> context) => raids.AnnounceAsync(context.Message);

    public Task Consume(ConsumeContext<RaidPrepared> context) => raids.PrepareAsync(context.Message);

    public Task Consume(ConsumeContext<RaidLaunched> context) => raids.LaunchAsync(context.Message);

    public Task Consume(ConsumeContext<RaidCancelled> context) => raids.CancelAsync(context.Message);

    public async Task Consume(ConsumeContext<Contracts.Events.StreamEnded> context)
    {
        var ended = context.Message;
        var frame = new ServerFrame { StreamEnded = new Contracts.Signaling.V1.StreamEnded { StreamId = ended.StreamId, Reason = ended.Reason } };
        var unsent = raids.GiveBackUnsentAsync(ended.StreamId);
        using (var turn = new Turn())
        {
            foreach (var seat in edge.SeatsOf(ended.StreamId))
            {
                turn.Send(seat.Session, frame);
                edge.Leave(seat);
            }
        }

        raids.Forget(ended.StreamId);
        await unsent;
    }
}

/// <summary>In order: MassTransit fetches no message before the one before it is acknowledged, for several that it holds may overtake each other.</summary>
internal sealed class RaidConsumersDefinition(Edge edge) : ReplicaConsumerDefinition<RaidConsumers>(EdgeEndpoint.RaidsName(edge.Id), prefetch: 1);
