using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Sessions;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Bus;

/// <summary>
/// What this replica hears of its peers and accounts, and whom of its clients it tells. Much of it may be on its way at once, and then it comes
/// in any order: directives and changes of a wallet are numbered, windows too, and a tip is news whenever it comes.
/// </summary>
internal sealed class EdgeConsumers(Edge edge, Directives directives, Inbox inbox) :
    IConsumer<PeersReassigned>,
    IConsumer<ChallengeIssued>,
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

/// <summary>Many at once: a quorum queue writes each acknowledgement to disk, and a message that is fetched only then would wait for it.</summary>
internal sealed class EdgeConsumersDefinition(Edge edge, IOptions<BusOptions> options)
    : ReplicaConsumerDefinition<EdgeConsumers>(EdgeEndpoint.Name(edge.Id), options.Value.PrefetchMessages);
