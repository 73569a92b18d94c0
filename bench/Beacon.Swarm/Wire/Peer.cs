using System.Diagnostics;
using System.Net;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;
using Google.Protobuf;

namespace Beacon.Swarm.Wire;

/// <summary>An account of the guest issuer.</summary>
internal sealed record Guest(string AccountId, string AccessToken);

/// <summary>One synthetic peer: it speaks <c>beacon.v1.proto</c>, and reads of an answer only what the measurement needs.</summary>
internal sealed class Peer(Guest guest) : RawWebSocket
{
    private const int ReportedBytesPerSecond = 100_000;
    private TaskCompletionSource<ServerFrame>? _answer;
    private TaskCompletionSource? _assigned;
    private ulong _lastRequest;
    private ulong _received;

    public Guest Guest { get; } = guest;

    public string StreamId { get; private set; } = "";

    public string PeerId { get; private set; } = "";

    /// <summary>The parent that the server assigned last, empty before the first.</summary>
    public string ParentId { get; private set; } = "";

    /// <summary>When the last <c>parent-assigned</c> came, as a timestamp of <see cref="Stopwatch"/>.</summary>
    public long AssignedAt { get; private set; }

    /// <summary>Called with the payload of each signal that arrives, on the receiving thread.</summary>
    public Action<ReadOnlySpan<byte>>? SignalArrived { get; set; }

    /// <summary>Called when the server did not relay a signal of this peer.</summary>
    public Action? SignalRefused { get; set; }

    public async Task ConnectAsync(IPEndPoint server)
    {
        var welcome = Expect();
        await OpenAsync(server, "/ws", $"Sec-WebSocket-Protocol: beacon.v1.proto, bearer.{Guest.AccessToken}\r\n");
        var first = await welcome;
        if (first.FrameCase != ServerFrame.FrameOneofCase.Welcome)
            throw new InvalidOperationException($"Not welcome: {first}");
    }

    public async Task GoLiveAsync()
    {
        var answer = await AskAsync(new ClientFrame { GoLive = new GoLive { Title = "Swarm", BitrateKbps = 800, UplinkMbps = 1_000, TicketMac = true } });
        if (answer.StreamLive is not { } live)
            throw new InvalidOperationException($"Not live: {answer}");
        (StreamId, PeerId) = (live.StreamId, live.PeerId);
    }

    /// <summary>Completes when the server has told the parent, which is when a viewer can begin.</summary>
    public async Task JoinAsync(string streamId, bool acceptsMacTickets)
    {
        _assigned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = await AskAsync(new ClientFrame
        {
            JoinStream = new JoinStream { StreamId = streamId, UplinkMbps = 20, LatencyMs = 20, TicketMac = acceptsMacTickets },
        });
        if (answer.StreamJoined is not { } joined)
            throw new InvalidOperationException($"Not joined: {answer}");
        (StreamId, PeerId) = (joined.StreamId, joined.PeerId);
        await _assigned.Task;
    }

    /// <summary>Goes back to before the join; the next answer tells that the server did so too.</summary>
    public async Task LeaveAsync()
    {
        Send(new ClientFrame { LeaveStream = new LeaveStream { StreamId = StreamId } });
        await FenceAsync();
        ParentId = "";
    }

    /// <summary>A receipt from the parent, as large as the stream would have made it.</summary>
    public void Report()
    {
        _received += ReportedBytesPerSecond;
        Send(new ClientFrame
        {
            MetricsReport = new MetricsReport
            {
                StreamId = StreamId,
                LatencyMs = 20,
                UploadMbps = 2,
                BufferMs = 400,
                Receipts = { new Receipt { ParentPeerId = ParentId, Bytes = _received, Chunks = _received / 8_000 } },
            },
        });
    }

    /// <summary>Completes when the server has handled everything that this peer sent before.</summary>
    public async Task FenceAsync()
    {
        var answer = await AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "fence" } });
        if (answer.Error?.Reason != "not_in_stream")
            throw new InvalidOperationException($"The fence was answered by {answer}");
    }

    public void Send(ClientFrame frame)
    {
        Span<byte> bytes = stackalloc byte[frame.CalculateSize()];
        frame.WriteTo(bytes);
        Send(Binary, bytes);
    }

    public Task<ServerFrame> AskAsync(ClientFrame frame)
    {
        var answer = Expect();
        frame.RequestId = ++_lastRequest;
        Send(frame);
        return answer;
    }

    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        var kind = Outline(message, out var requestId, out var content);
        switch (kind)
        {
            case ServerFrame.FrameOneofCase.Signal:
                SignalArrived?.Invoke(content);
                break;
            case ServerFrame.FrameOneofCase.ParentAssigned:
                AssignedAt = Stopwatch.GetTimestamp();
                ParentId = ParentAssigned.Parser.ParseFrom(content).ParentPeerId;
                _assigned?.TrySetResult();
                break;
            case ServerFrame.FrameOneofCase.Error when requestId == 0 && Error.Parser.ParseFrom(content).Reason is "not_a_neighbour" or "neighbour_gone":
                SignalRefused?.Invoke();
                break;
            case ServerFrame.FrameOneofCase.Welcome:
            case var _ when requestId != 0:
                Interlocked.Exchange(ref _answer, null)?.TrySetResult(ServerFrame.Parser.ParseFrom(message));
                break;
        }
    }

    protected override void OnClosed()
    {
        var lost = new IOException($"The server closed the connection ({CloseCode}).");
        Interlocked.Exchange(ref _answer, null)?.TrySetException(lost);
        _assigned?.TrySetException(lost);
    }

    private Task<ServerFrame> Expect()
    {
        var answer = new TaskCompletionSource<ServerFrame>(TaskCreationOptions.RunContinuationsAsynchronously);
        _answer = answer;
        return answer.Task;
    }

    /// <summary>Which frame it is, whom it answers and its content, without making objects of it.</summary>
    private static ServerFrame.FrameOneofCase Outline(ReadOnlySpan<byte> message, out ulong requestId, out ReadOnlySpan<byte> content)
    {
        requestId = 0;
        content = default;
        var kind = ServerFrame.FrameOneofCase.None;
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var value = Varint(message, ref at);
            if ((tag & 7) == 0)
            {
                requestId = value;
                continue;
            }

            // Its trace comes along where traces are recorded.
            if (tag >> 3 != ServerFrame.TraceparentFieldNumber)
            {
                kind = (ServerFrame.FrameOneofCase)(tag >> 3);
                content = message.Slice(at, (int)value);
            }

            at += (int)value;
        }

        return kind;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
