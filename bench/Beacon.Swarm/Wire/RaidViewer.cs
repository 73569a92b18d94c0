using System.Diagnostics;
using System.Net;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;
using Google.Protobuf;

namespace Beacon.Swarm.Wire;

/// <summary>
/// A synthetic viewer that follows raids as the SDK does: it joins the target unseen when it has a place there, moves when the word comes, or
/// declines. Times are timestamps of <see cref="Stopwatch"/>, 0 = not yet.
/// </summary>
internal sealed class RaidViewer(Guest guest, double uplinkMbps, bool declines) : RawWebSocket
{
    private readonly TaskCompletionSource _welcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _placed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _parentId = "";

    public string StreamId { get; private set; } = "";

    public string TargetId { get; private set; } = "";

    public bool Declines { get; } = declines;

    /// <summary>The server let it into the target.</summary>
    public long JoinedAt { get; private set; }

    /// <summary>It has a parent in the target.</summary>
    public long AssignedAt { get; private set; }

    /// <summary>The word to go came.</summary>
    public long ToldAt { get; private set; }

    /// <summary>How often it got another parent in the stream that it joined first.</summary>
    public int Moves { get; private set; }

    public bool HasHeardOfRaid { get; private set; }

    public string? Problem { get; private set; }

    /// <summary>When it was told to go and had a parent to go to; 0 before.</summary>
    public long MovedAt => ToldAt == 0 || AssignedAt == 0 ? 0 : Math.Max(ToldAt, AssignedAt);

    public async Task ConnectAsync(IPEndPoint server)
    {
        await OpenAsync(server, "/ws", $"Sec-WebSocket-Protocol: beacon.v1.proto, bearer.{guest.AccessToken}\r\n");
        await _welcome.Task;
    }

    /// <summary>Completes when it has a parent.</summary>
    public Task WatchAsync(string streamId)
    {
        StreamId = streamId;
        Join(streamId);
        return _placed.Task;
    }

    public void ForgetMoves() => Moves = 0;

    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        var frame = ServerFrame.Parser.ParseFrom(message);
        switch (frame.FrameCase)
        {
            case ServerFrame.FrameOneofCase.Welcome:
                _welcome.TrySetResult();
                break;
            case ServerFrame.FrameOneofCase.StreamJoined when frame.StreamJoined.StreamId == TargetId:
                JoinedAt = Stopwatch.GetTimestamp();
                break;
            case ServerFrame.FrameOneofCase.ParentAssigned:
                Assigned(frame.ParentAssigned);
                break;
            case ServerFrame.FrameOneofCase.Raid when frame.Raid.FromStreamId == StreamId:
                Follow(frame.Raid);
                break;
            // The old stream may end before this viewer has said goodbye to it.
            case ServerFrame.FrameOneofCase.Error when frame.Error.Reason != "not_in_stream":
                Problem = frame.Error.Reason;
                break;
        }
    }

    protected override void OnClosed()
    {
        var lost = new IOException($"The server closed the connection ({CloseCode}).");
        Problem = lost.Message;
        _welcome.TrySetException(lost);
        _placed.TrySetException(lost);
    }

    private void Assigned(ParentAssigned assigned)
    {
        if (assigned.StreamId == TargetId && AssignedAt == 0)
        {
            AssignedAt = Stopwatch.GetTimestamp();
            LeaveIfMoved();
        }
        else if (assigned.StreamId == StreamId && assigned.Stripe == 0 && assigned.ParentPeerId != _parentId)
        {
            Moves += _parentId.Length == 0 ? 0 : 1;
            _parentId = assigned.ParentPeerId;
            _placed.TrySetResult();
        }
    }

    private void Follow(Raid raid)
    {
        if (Declines && !HasHeardOfRaid)
            Send(new ClientFrame { DeclineRaid = new DeclineRaid { StreamId = StreamId, RaidId = raid.RaidId } });
        HasHeardOfRaid = true;
        if (raid.CountdownMs == 0)
            ToldAt = Stopwatch.GetTimestamp();
        else if (!raid.Placed)
            return;
        if (TargetId.Length == 0)
        {
            TargetId = raid.TargetStreamId;
            Join(TargetId);
        }

        LeaveIfMoved();
    }

    private void LeaveIfMoved()
    {
        if (MovedAt != 0)
            Send(new ClientFrame { LeaveStream = new LeaveStream { StreamId = StreamId } });
    }

    private void Join(string streamId) =>
        Send(new ClientFrame { JoinStream = new JoinStream { StreamId = streamId, UplinkMbps = uplinkMbps, LatencyMs = 20, TicketMac = true } });

    private void Send(ClientFrame frame)
    {
        Span<byte> bytes = stackalloc byte[frame.CalculateSize()];
        frame.WriteTo(bytes);
        Send(Binary, bytes);
    }
}
