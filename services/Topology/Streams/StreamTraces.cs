using System.Diagnostics;
using System.Runtime.InteropServices;
using Beacon.ServiceDefaults;

namespace Beacon.Topology.Streams;

/// <summary>The changes that a traced command brought about: a range of those of its batch.</summary>
/// <param name="To">The first that is not part of it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TracedChanges(int From, int To, string Traceparent);

/// <summary>What owners of streams add to traces: a command from its turn until it is answered, and the commit in between.</summary>
internal static class StreamTraces
{
    private static readonly ActivitySource Source = new("Beacon.Topology");

    public static Activity? Of(StreamCommand command, string streamId) => command.Traceparent is null
        ? null
        : Traces.Continue(Source, command.Join is null ? "stream-leave" : "stream-join", ActivityKind.Server, command.Traceparent)?.SetTag("beacon.stream", streamId);

    /// <summary>A start, in whose span the stream is logged and published: a grain's turn has the caller's trace only when it is told.</summary>
    public static Activity? Of(StartCommand command, string streamId) =>
        Traces.Continue(Source, "stream-start", ActivityKind.Server, command.Traceparent)?.SetTag("beacon.stream", streamId);

    /// <summary>A batch, from its commit until its edges were told, in the first of the traces that it serves; the others are linked.</summary>
    public static Activity? Commit(PendingBatch batch)
    {
        if (batch.News.Traces.Count == 0)
            return null;
        var span = Traces.Continue(Source, "stream-commit", ActivityKind.Internal, batch.News.Traces[0].Traceparent)
            ?.SetTag("db.system.name", "redis").SetTag("beacon.peers", batch.Store.Peers).SetTag("beacon.changes", batch.News.Changes.Count);
        if (span is not null)
        {
            foreach (var other in batch.News.Traces.Skip(1))
            {
                if (ActivityContext.TryParse(other.Traceparent, traceState: null, out var context))
                    span.AddLink(new ActivityLink(context));
            }
        }

        return span;
    }
}
