using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Sessions;

/// <summary>One open WebSocket of one account, with a bounded queue of what it is still to be told.</summary>
internal sealed class Session(string id, Caller caller, string accessToken, DateTimeOffset expiresAt, string addressBlock, FrameCodec codec, WebSocket socket, SignalingOptions options, TimeProvider clock)
{
    /// <summary>The access token expired, or was never good.</summary>
    public const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;

    /// <summary>Try again later: too slow to read, or too many sessions (RFC 6455 registry).</summary>
    public const WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;

    private readonly Channel<ServerFrame> _outbound = Channel.CreateBounded<ServerFrame>(
        new BoundedChannelOptions(options.MaxQueuedFrames) { SingleReader = true });

    private (WebSocketCloseStatus Status, string Text)? _closing;

    public string Id { get; } = id;

    public Caller Caller { get; } = caller;

    public string AccessToken { get; private set; } = accessToken;

    public DateTimeOffset ExpiresAt { get; private set; } = expiresAt;

    public string AddressBlock { get; } = addressBlock;

    /// <summary>By stream id. Only the receive loop adds and removes.</summary>
    public ConcurrentDictionary<string, Seat> Seats { get; } = new(StringComparer.Ordinal);

    public TokenBucket Signals { get; } = new(options.SignalsPerSecond, options.SignalBurst, clock);

    public TokenBucket Joins { get; } = new(options.JoinsPerSecond, options.JoinBurst, clock);

    public TokenBucket Reports { get; } = new(2_000.0 / options.ReportIntervalMs, 2 * options.MaxStreamsPerSession, clock);

    /// <summary>Queues a frame. A client that does not read fast enough is closed: what it would miss it could not make up for.</summary>
    public void Send(ServerFrame frame)
    {
        if (!_outbound.Writer.TryWrite(frame))
            Close(TryAgainLater, "slow_consumer");
    }

    public void SendError(Fault fault, ulong requestId = 0, string? detail = null) => Send(new ServerFrame
    {
        RequestId = requestId,
        Error = new Error { Reason = fault.Reason, Message = detail ?? fault.Text, Retryable = fault.Retryable },
    });

    /// <summary>Sends what is queued, then closes.</summary>
    public void Close(WebSocketCloseStatus status, string text)
    {
        _closing ??= (status, text);
        _outbound.Writer.TryComplete();
    }

    public void Renew(string token, DateTimeOffset expires)
    {
        AccessToken = token;
        ExpiresAt = expires;
    }

    /// <summary>Writes queued frames until the session closes.</summary>
    public async Task WriteAsync(CancellationToken cancellation)
    {
        await foreach (var frame in _outbound.Reader.ReadAllAsync(cancellation))
            await socket.SendAsync(codec.Encode(frame), codec.MessageType, WebSocketMessageFlags.EndOfMessage, cancellation);
        var (status, text) = _closing ?? (WebSocketCloseStatus.NormalClosure, "");
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await socket.CloseOutputAsync(status, text, cancellation);
    }
}
