using MassTransit;

namespace Beacon.Signaling.Bus;

/// <summary>
/// The ids of messages that this replica's endpoint has dealt with, the newest ones: what makes telling somebody something idempotent, which by
/// itself it is not. As many as a Ledger that starts again can repeat; older ones make room.
/// </summary>
internal sealed class Inbox
{
    /// <summary>More than a page of the Ledger's outbox has events.</summary>
    internal const int Capacity = 65_536;

    private readonly Lock _gate = new();
    private readonly HashSet<Guid> _taken = [];
    private readonly Queue<Guid> _order = [];

    /// <summary>False for a message that was taken before.</summary>
    public bool TryTake(MessageContext message) => message.MessageId is not { } id || TryTake(id);

    internal bool TryTake(Guid messageId)
    {
        lock (_gate)
        {
            if (!_taken.Add(messageId))
                return false;
            _order.Enqueue(messageId);
            if (_order.Count > Capacity)
                _taken.Remove(_order.Dequeue());
            return true;
        }
    }
}
