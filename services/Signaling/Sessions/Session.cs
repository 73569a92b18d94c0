using System.Collections.Concurrent;
using System.IO.Pipelines;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Sessions;

/// <summary>What a session is opened with.</summary>
/// <param name="AccessToken">UTF-8: it is kept for as long as the session lives, and half the size counts.</param>
/// <param name="TokenId">The token's <c>jti</c>, empty without one.</param>
/// <param name="SignInId">The token's <c>sid</c>, empty without one.</param>
internal sealed record Credentials(Caller Caller, byte[] AccessToken, DateTimeOffset ExpiresAt, DateTimeOffset IssuedAt, string TokenId, string SignInId);

/// <summary>
/// One open WebSocket of one account. Any thread may send: frames wait in a bounded queue, and one writer at a time turns all that wait into
/// one write of the connection. Nothing is held for a connection that has nothing to say.
/// </summary>
internal sealed class Session : IThreadPoolWorkItem
{
    /// <summary>The access token expired, was taken back, or was never good.</summary>
    public const int TokenExpired = 4401;

    /// <summary>Try again later: too slow to read, or too many sessions (RFC 6455 registry).</summary>
    public const int TryAgainLater = 1013;

    public const int NormalClosure = 1000;
    public const int GoingAway = 1001;
    public const int ProtocolError = 1002;
    public const int MessageTooBig = 1009;

    private readonly Lock _gate = new();
    private readonly IDuplexPipe _connection;
    private readonly FrameCodec _codec;
    private readonly int _maxQueuedFrames;
    private readonly Action _abort;
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Queue<ServerFrame>? _queue;
    private byte[]? _pong;
    private bool _isPingDue;
    private RaidPlaces? _places;
    private bool _isWriting;
    private bool _isDone;
    private (int Code, string Text)? _closing;
    private long _walletSequence;

    /// <param name="abort">Cuts the connection without a word.</param>
    public Session(string id, Credentials credentials, string addressBlock, FrameCodec codec, IDuplexPipe connection, Action abort, SignalingOptions options, TimeProvider clock)
    {
        Id = id;
        Credentials = credentials;
        AddressBlock = addressBlock;
        _codec = codec;
        _connection = connection;
        _abort = abort;
        _maxQueuedFrames = options.MaxQueuedFrames;
        HeardAt = clock.GetTimestamp();
        Signals = new TokenBucket(options.SignalsPerSecond, options.SignalBurst, clock);
        Joins = new TokenBucket(options.JoinsPerSecond, options.JoinBurst, clock);
        Reports = new TokenBucket(2_000.0 / options.ReportIntervalMs, 2 * options.MaxStreamsPerSession, clock);
    }

    public string Id { get; }

    public Credentials Credentials { get; private set; }

    public Caller Caller => Credentials.Caller;

    public string AddressBlock { get; }

    public FrameCodec Codec => _codec;

    public PipeReader Input => _connection.Input;

    /// <summary>By stream id. Only the receive loop adds; it and a stream's end remove.</summary>
    public ConcurrentDictionary<string, Seat> Seats { get; } = new(concurrencyLevel: 1, capacity: 1, StringComparer.Ordinal);

    /// <summary>False for a change of the wallet that is not newer than one that the client was told.</summary>
    public bool TryAdvanceWallet(long sequence)
    {
        lock (_gate)
        {
            if (sequence <= _walletSequence)
                return false;
            _walletSequence = sequence;
            return true;
        }
    }

    public bool HasPlaces => Volatile.Read(ref _places) is not null;

    /// <summary>What raids have for it in other streams. Made when it is first asked for: most sessions have none.</summary>
    public RaidPlaces Places => LazyInitializer.EnsureInitialized(ref _places, static () => new RaidPlaces());

    public TokenBucket Signals { get; }

    public TokenBucket Joins { get; }

    public TokenBucket Reports { get; }

    /// <summary>When the client last sent anything, a timestamp of the clock.</summary>
    public long HeardAt { get; set; }

    /// <summary>When this side began to close, a timestamp of the clock; 0 before.</summary>
    public long ClosingSince { get; set; }

    public bool IsClosing => Volatile.Read(ref _isDone) || _closing is not null;

    /// <summary>True when this replica sent it to another one, where its peers go on.</summary>
    public bool WasSentAway => _closing is (GoingAway, _);

    /// <summary>Completes when the close frame is written, or nothing can be written any more.</summary>
    public Task Written => _written.Task;

    /// <summary>Queues a frame. A client that does not read fast enough is closed: what it would miss it could not make up for.</summary>
    public void Send(ServerFrame frame)
    {
        if (TryQueue(frame))
            Flush();
    }

    /// <summary>Queues a frame without writing it. True for the caller that must call <see cref="Flush"/> then, whatever happens.</summary>
    public bool TryQueue(ServerFrame frame)
    {
        lock (_gate)
        {
            if (_isDone || _closing is not null)
                return false;
            _queue ??= new Queue<ServerFrame>(1);
            if (_queue.Count < _maxQueuedFrames)
                _queue.Enqueue(frame);
            else
                _closing = (TryAgainLater, "slow_consumer");
            if (_isWriting)
                return false;
            _isWriting = true;
            return true;
        }
    }

    /// <summary>Writes what is queued, on this thread: it never waits, and a handover to another would cost as much as the write.</summary>
    public void Flush() => _ = WriteAsync();

    public void SendError(Fault fault, ulong requestId = 0) => Send(new ServerFrame
    {
        RequestId = requestId,
        Error = new Error { Reason = fault.Reason, Message = fault.Text, Retryable = fault.Retryable },
    });

    /// <summary>Sends what is queued, then closes.</summary>
    public void Close(int code, string text) => Write(session => session._closing ??= (code, text));

    /// <summary>Leaves nothing to the garbage collector: thousands of idle connections are pinged all the time.</summary>
    public void Ping() => Write(static session => session._isPingDue = true);

    /// <summary>Answers the newest ping; one that was not answered yet is superseded, as RFC 6455 allows.</summary>
    public void Pong(byte[] payload) => Write(session => session._pong = payload);

    /// <summary>Ends the connection at once.</summary>
    public void Abort()
    {
        End();
        _abort();
    }

    public void Renew(Credentials credentials) => Credentials = credentials;

    void IThreadPoolWorkItem.Execute() => Flush();

    private void Write(Action<Session> change)
    {
        lock (_gate)
        {
            if (_isDone)
                return;
            change(this);
            if (_isWriting)
                return;
            _isWriting = true;
        }

        Flush();
    }

    private async Task WriteAsync()
    {
        try
        {
            while (TakeAll())
            {
                var flushed = await _connection.Output.FlushAsync();
                if (flushed.IsCompleted || flushed.IsCanceled)
                    End();
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or ObjectDisposedException or OperationCanceledException)
        {
            // The connection is gone; the receive loop sees that too.
            End();
        }
    }

    /// <summary>Puts everything that waits into the connection's buffer; false when that was nothing.</summary>
    private bool TakeAll()
    {
        lock (_gate)
        {
            var hasQueued = _queue is { Count: > 0 };
            if (_isDone || (!hasQueued && _pong is null && !_isPingDue && _closing is null))
            {
                _isWriting = false;
                return false;
            }

            while (_queue is not null && _queue.TryDequeue(out var frame))
                _codec.Write(frame, _connection.Output);
            if (_pong is not null)
                WebSocketFraming.WriteControl(_connection.Output, WebSocketFraming.Pong, _pong);
            if (_isPingDue)
                WebSocketFraming.WriteControl(_connection.Output, WebSocketFraming.Ping, []);
            (_pong, _isPingDue) = (null, false);
            if (_closing is not var (code, text))
                return true;
            WebSocketFraming.WriteClose(_connection.Output, code, text);
        }

        _ = FlushCloseAsync();
        return false;
    }

    private async Task FlushCloseAsync()
    {
        try
        {
            await _connection.Output.FlushAsync();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or ObjectDisposedException or OperationCanceledException)
        {
            // As above.
        }

        End();
    }

    private void End()
    {
        lock (_gate)
        {
            _isDone = true;
            _isWriting = false;
            _queue = null;
        }

        _written.TrySetResult();
        // The receive loop goes over to waiting for the client's own close.
        _connection.Input.CancelPendingRead();
    }
}
