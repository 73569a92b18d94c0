using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;

namespace Beacon.Signaling.Sessions;

/// <summary>Turns what Topology decided into what the client is told, and signs its edge tickets.</summary>
internal sealed class Directives(Tickets.Tickets tickets, SignalingMetrics metrics, TimeProvider clock)
{
    /// <summary>Sends the frame of a directive that the seat has applied.</summary>
    public void Tell(Turn turn, Seat seat, PeerDirective directive)
    {
        var neighbour = directive.Neighbour?.PeerId ?? "";
        var stripe = (uint)directive.Stripe;
        var version = (ulong)directive.Version;
        var frame = directive.Kind switch
        {
            DirectiveKind.ParentAssigned => new ServerFrame
            {
                ParentAssigned = new ParentAssigned
                {
                    StreamId = seat.StreamId,
                    Stripe = stripe,
                    Version = version,
                    ParentPeerId = neighbour,
                    Ticket = TicketTo(directive.Neighbour!, seat, directive.Stripe),
                    Depth = (uint)directive.Depth,
                    Reason = directive.Reason,
                },
            },
            DirectiveKind.StandbyAssigned => new ServerFrame
            {
                StandbyAssigned = new StandbyAssigned
                {
                    StreamId = seat.StreamId,
                    Stripe = stripe,
                    Version = version,
                    StandbyPeerId = neighbour,
                    Ticket = neighbour.Length == 0 ? "" : TicketTo(directive.Neighbour!, seat, directive.Stripe),
                },
            },
            DirectiveKind.ChildAssigned => new ServerFrame
            {
                ChildAssigned = new ChildAssigned
                {
                    StreamId = seat.StreamId,
                    Stripe = stripe,
                    Version = version,
                    ChildPeerId = neighbour,
                    Ticket = tickets.Edge(seat.StreamId, directive.Stripe, seat.PeerId, neighbour, seat.TicketKey),
                    Standby = directive.Standby,
                },
            },
            DirectiveKind.ChildRemoved => new ServerFrame
            {
                ChildRemoved = new ChildRemoved
                {
                    StreamId = seat.StreamId,
                    Stripe = stripe,
                    Version = version,
                    ChildPeerId = neighbour,
                    DrainMs = (uint)directive.DrainMs,
                },
            },
            DirectiveKind.Waiting => new ServerFrame
            {
                Waiting = new Waiting
                {
                    StreamId = seat.StreamId,
                    Stripe = stripe,
                    Position = (uint)directive.Position,
                    EstimateMs = (uint)directive.EstimateMs,
                },
            },
            _ => throw new InvalidOperationException($"No frame for {directive.Kind}."),
        };
        using var span = SignalingTraces.Told(frame, directive.Traceparent);
        turn.Send(seat.Session, frame);
        if (directive.Kind == DirectiveKind.ParentAssigned && seat.TakeJoinedAt() is > 0 and var joinedAt)
            metrics.Joined(clock.GetElapsedTime(joinedAt));
    }

    private string TicketTo(PeerNeighbour parent, Seat child, int stripe) => tickets.Edge(
        child.StreamId, stripe, parent.PeerId, child.PeerId, parent.TicketMac ? tickets.KeyOf(child.StreamId, parent.PeerId) : null);
}
