using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Sessions;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Bus;

/// <summary>
/// What this replica hears on the bus, and whom of its clients it tells. All of it comes over the replica's own endpoint,
/// one message after the other, so that a raid is told before the end of the stream that it leaves.
/// </summary>
internal sealed class EdgeConsumers(Edge edge, Directives directives, RaidNotices raids, Inbox inbox) :
    IConsumer<PeersReassigned>,
    IConsumer<ChallengeIssued>,
    IConsumer<RaidLaunched>,
    IConsumer<RaidAnnounced>,
    IConsumer<RaidPrepared>,
    IConsumer<RaidCancelled>,
    IConsumer<Contracts.Events.StreamEnded>,
    IConsumer<CreditsEarned>,
    IConsumer<TipPosted>
{
    public Task Consume(ConsumeContext<PeersReassigned> context)
    {
        using var turn = new Turn();
        foreach (var directive in PeerDirectives.Parser.ParseFrom(context.Message.Directives).Directives)
        {
            if (edge.SeatOf(directive.PeerId) is { } seat && seat.TryApply(directive))
                directives.Tell(turn, seat, directive);
        }

        return Task.CompletedTask;
    }

    public Task Consume(ConsumeContext<ChallengeIssued> context)
    {
        var issued = context.Message;
        var frame = new ServerFrame
        {
            Challenge = new Challenge
            {
                StreamId = issued.StreamId,
                Window = (ulong)issued.Window,
                Stripe = (uint)issued.Stripe,
                Sequence = issued.Sequence,
                Nonce = Google.Protobuf.ByteString.CopyFrom(issued.Nonce),
            },
        };
        using var turn = new Turn();
        foreach (var seat in edge.SeatsOf(issued.StreamId))
        {
            if (!seat.IsRoot && seat.TryChallenge(issued.Window))
                turn.Send(seat.Session, frame);
        }

        return Task.CompletedTask;
    }

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

    public Task Consume(ConsumeContext<CreditsEarned> context)
    {
        var change = context.Message;
        var frame = new ServerFrame
        {
            Traceparent = SignalingTraces.Current ?? "",
            WalletUpdate = new WalletUpdate
            {
                BalanceMicrocredits = change.BalanceMicrocredits,
                AmountMicrocredits = change.AmountMicrocredits,
                Code = change.Code,
            },
        };
        // A balance that is older than one that was told is wrong by now.
        foreach (var session in edge.SessionsOf(change.AccountId).Where(session => session.TryAdvanceWallet(change.Sequence)))
            session.Send(frame);
        return Task.CompletedTask;
    }

    public Task Consume(ConsumeContext<TipPosted> context)
    {
        var tip = context.Message;
        if (!inbox.TryTake(context))
            return Task.CompletedTask;
        var frame = new ServerFrame
        {
            Traceparent = SignalingTraces.Current ?? "",
            TipReceived = new TipReceived { StreamId = tip.StreamId, FromName = tip.FromName, AmountMicrocredits = tip.AmountMicrocredits },
        };
        foreach (var session in tip.RecipientAccountIds.Distinct(StringComparer.Ordinal).SelectMany(edge.SessionsOf))
            session.Send(frame);
        return Task.CompletedTask;
    }
}

/// <summary>One endpoint a replica, gone with it.</summary>
internal sealed class EdgeConsumersDefinition : ConsumerDefinition<EdgeConsumers>
{
    public EdgeConsumersDefinition(Edge edge)
    {
        EndpointName = EdgeEndpoint.Name(edge.Id);
        // In order: see EdgeConsumers.
        ConcurrentMessageLimit = 1;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<EdgeConsumers> consumerConfigurator, IRegistrationContext context)
    {
        // By itself MassTransit would take one message only when the one before is acknowledged, which a quorum queue first writes to disk.
        endpointConfigurator.PrefetchCount = context.GetRequiredService<IOptions<BusOptions>>().Value.PrefetchMessages;
        // Long enough for the broker's own restart; after that the replica is gone, and its queue with it.
        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator rabbit)
            rabbit.QueueExpiration = TimeSpan.FromMinutes(5);
        // What this replica could not tell its peers is of no use to anybody later, and nobody would ever empty its queue of errors.
        endpointConfigurator.DiscardFaultedMessages();
        endpointConfigurator.DiscardSkippedMessages();
    }
}
