using System.Diagnostics;
using System.Runtime.InteropServices;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Which trace the latest transfers belong to, from their booking until their events are published. In memory alone: what is published after a
/// restart is told without its trace.
/// </summary>
internal sealed class PaymentTraces
{
    /// <summary>More than a page of events; those that were booked before it filled again are published.</summary>
    private const int Kept = 1_024;

    private static readonly ActivitySource Source = new("Beacon.Ledger");

    private readonly Lock _lock = new();
    private readonly Queue<Booked> _booked = new(Kept);

    public void Note(long first, long last, string traceparent)
    {
        lock (_lock)
        {
            if (_booked.Count == Kept)
                _booked.Dequeue();
            _booked.Enqueue(new Booked(first, last, traceparent));
        }
    }

    /// <summary>An event of this transfer is published, in the trace of what booked it.</summary>
    public Activity? Publish(long transfer) => Of(transfer) is { } traceparent ? Traces.Continue(Source, "publish-events", ActivityKind.Producer, traceparent) : null;

    private string? Of(long transfer)
    {
        lock (_lock)
        {
            foreach (var booked in _booked)
            {
                if (booked.First <= transfer && transfer <= booked.Last)
                    return booked.Traceparent;
            }

            return null;
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Booked(long First, long Last, string Traceparent);
}
