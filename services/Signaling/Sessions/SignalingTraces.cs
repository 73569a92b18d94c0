using System.Diagnostics;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Sessions;

/// <summary>What this edge adds to traces: frames that are rare and change a tree, lost peers, and what clients are told. Signals and reports are too many.</summary>
internal static class SignalingTraces
{
    private static readonly ActivitySource Source = new("Beacon.Signaling");

    /// <summary>The trace context of what goes on now, when it is recorded.</summary>
    public static string? Current => Activity.Current is { Recorded: true } now ? now.Id : null;

    /// <summary>Null for a frame that is not traced, and where nobody listens.</summary>
    public static Activity? Of(ClientFrame frame)
    {
        if (!Source.HasListeners())
            return null;
        var name = frame.FrameCase switch
        {
            ClientFrame.FrameOneofCase.GoLive => "go-live",
            ClientFrame.FrameOneofCase.JoinStream => "join-stream",
            ClientFrame.FrameOneofCase.LeaveStream => "leave-stream",
            ClientFrame.FrameOneofCase.EndStream => "end-stream",
            _ => null,
        };
        if (name is null)
            return null;
        // The connection's own request lives as long as the connection: what a client does in it is a trace by itself.
        Activity.Current = null;
        return Traces.Continue(Source, name, ActivityKind.Server, frame.Traceparent) ?? Source.StartActivity(name, ActivityKind.Server);
    }

    /// <summary>A peer is gone: where a heal begins.</summary>
    public static Activity? Lost(Seat seat)
    {
        if (!Source.HasListeners())
            return null;
        // Within a leave-stream frame it is a part of that; else the connection ended.
        if (Activity.Current?.Source != Source)
            Activity.Current = null;
        return Source.StartActivity("peer-lost")?.SetTag("beacon.stream", seat.StreamId).SetTag("beacon.peer", seat.PeerId);
    }

    /// <summary>A client is told what came of a trace.</summary>
    public static Activity? Told(ServerFrame frame, string traceparent)
    {
        var span = Traces.Continue(Source, frame.FrameCase.ToString(), ActivityKind.Producer, traceparent);
        frame.Traceparent = span?.Id ?? traceparent;
        return span;
    }
}
