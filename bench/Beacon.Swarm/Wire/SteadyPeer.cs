using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;
using Google.Protobuf;

namespace Beacon.Swarm.Wire;

/// <summary>
/// A synthetic peer that lives through what happens to servers as the SDK does: it comes back with a growing back-off, takes its place up
/// again, and reports what a stream would have brought it. A broadcaster when it is given no stream.
/// </summary>
internal sealed class SteadyPeer(Guest guest, IPEndPoint server, string? streamId, double uplinkMbps) : IAsyncDisposable
{
    public const uint BitrateKbps = 800;
    private const int BytesPerSecond = (int)BitrateKbps * 125;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(2);

    private readonly bool _isRoot = streamId is null;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly long _bornAt = Stopwatch.GetTimestamp();
    private Task _life = Task.CompletedTask;
    private volatile Session? _session;
    private string _resumeTicket = "";
    private long _outSince = Stopwatch.GetTimestamp();
    private TimeSpan _longestOut;
    private volatile bool _isLeaving;

    public Guest Guest { get; } = guest;

    public string StreamId { get; private set; } = streamId ?? "";

    public string PeerId { get; private set; } = "";

    /// <summary>The parent that the server has told last; empty while there is none.</summary>
    public string ParentId { get; private set; } = "";

    /// <summary>Why the server refused it last, empty when it never did.</summary>
    public string LastRefusal { get; private set; } = "";

    /// <summary>It has a session, a place, and a parent unless it is the broadcaster.</summary>
    public bool IsInPlace
    {
        get
        {
            lock (_gate)
                return _outSince == 0;
        }
    }

    /// <summary>The longest time out of its place since <see cref="BeginAnew"/>, the present one included; zero when there was none.</summary>
    public TimeSpan LongestOut
    {
        get
        {
            lock (_gate)
                return _outSince == 0 || Stopwatch.GetElapsedTime(_outSince) < _longestOut ? _longestOut : Stopwatch.GetElapsedTime(_outSince);
        }
    }

    public void Start() => _life = LiveAsync();

    public void BeginAnew()
    {
        lock (_gate)
            _longestOut = TimeSpan.Zero;
    }

    /// <summary>Its parent is gone, which it notices by itself: from now on it waits for the next one.</summary>
    public void LoseParent(string parentId)
    {
        lock (_gate)
        {
            if (ParentId != parentId)
                return;
            ParentId = "";
            Leave();
        }
    }

    /// <summary>Goes for good, as a closed tab does; false when it had no session to say so in, and stays.</summary>
    public bool TryGo()
    {
        if (!IsInPlace || _session is not { IsClosed: false } session)
            return false;
        _isLeaving = true;
        session.SayGoodbye();
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _session?.Dispose();
        await _life;
        _stop.Dispose();
    }

    private async Task LiveAsync()
    {
        await Task.Yield();
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested && !_isLeaving)
        {
            using var session = new Session(this);
            _session = session;
            try
            {
                await session.ConnectAsync(server).WaitAsync(AnswerTime, _stop.Token);
                await EnterAsync(session);
                pause = FirstPause;
                await StayAsync(session);
            }
            catch (Exception exception) when (exception is IOException or SocketException or TimeoutException or OperationCanceledException or InvalidOperationException)
            {
                // The next session; a server that refuses the upgrade is about to go.
            }

            lock (_gate)
                Leave();
            if (!_isLeaving)
                await PauseAsync(pause);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Asks for its place until the server gives it.</summary>
    private async Task EnterAsync(Session session)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            // Of this session alone: its parent is told again.
            lock (_gate)
                ParentId = "";
            var answer = await session.AskAsync(Entrance()).WaitAsync(AnswerTime, _stop.Token);
            if (answer.Error is not { } error)
            {
                Entered(answer);
                return;
            }

            LastRefusal = error.Reason;
            if (error.Reason == "invalid_resume_ticket")
                _resumeTicket = "";
            else if (error.Reason == "already_in_stream")
                session.Send(new ClientFrame { LeaveStream = new LeaveStream { StreamId = StreamId } });
            await PauseAsync(pause);
            if (session.IsClosed)
                throw new IOException("The session ended.");
        }
    }

    private ClientFrame Entrance() => _isRoot
        ? new ClientFrame { GoLive = new GoLive { Title = "Chaos", BitrateKbps = BitrateKbps, UplinkMbps = uplinkMbps, TicketMac = true, ResumeTicket = _resumeTicket } }
        : new ClientFrame { JoinStream = new JoinStream { StreamId = StreamId, UplinkMbps = uplinkMbps, LatencyMs = 20, TicketMac = true, ResumeTicket = _resumeTicket } };

    private void Entered(ServerFrame answer)
    {
        lock (_gate)
        {
            (StreamId, PeerId, _resumeTicket) = answer.StreamLive is { } live
                ? (live.StreamId, live.PeerId, live.ResumeTicket)
                : (answer.StreamJoined.StreamId, answer.StreamJoined.PeerId, answer.StreamJoined.ResumeTicket);
            if (_isRoot)
                Arrive();
        }
    }

    private async Task StayAsync(Session session)
    {
        using var tick = new PeriodicTimer(ReportInterval);
        for (var next = Next(); await Task.WhenAny(next, session.Closed) == next && await next; next = Next())
            session.Send(Report());

        Task<bool> Next() => tick.WaitForNextTickAsync(_stop.Token).AsTask();
    }

    private ClientFrame Report()
    {
        var report = new MetricsReport { StreamId = StreamId, LatencyMs = 20, UploadMbps = _isRoot ? 2 : 1, BufferMs = 400 };
        lock (_gate)
        {
            // Data flows from peer to peer, whatever the servers do.
            var bytes = (ulong)(Stopwatch.GetElapsedTime(_bornAt).TotalSeconds * BytesPerSecond);
            if (ParentId.Length > 0)
                report.Receipts.Add(new Receipt { ParentPeerId = ParentId, Bytes = bytes, Chunks = bytes / 8_000 });
        }

        return new ClientFrame { MetricsReport = report };
    }

    private void Heard(ServerFrame frame)
    {
        lock (_gate)
        {
            switch (frame.FrameCase)
            {
                case ServerFrame.FrameOneofCase.ParentAssigned:
                    ParentId = frame.ParentAssigned.ParentPeerId;
                    Arrive();
                    break;
                case ServerFrame.FrameOneofCase.Waiting:
                    ParentId = "";
                    Leave();
                    break;
            }
        }
    }

    private void Arrive()
    {
        if (_outSince == 0)
            return;
        var time = Stopwatch.GetElapsedTime(_outSince);
        _longestOut = time > _longestOut ? time : _longestOut;
        _outSince = 0;
    }

    private void Leave()
    {
        if (_outSince == 0)
            _outSince = Stopwatch.GetTimestamp();
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, TimeProvider.System, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // It leaves.
        }
    }

    private sealed class Session(SteadyPeer peer) : RawWebSocket
    {
        private readonly TaskCompletionSource _welcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource<ServerFrame>? _answer;

        public Task Closed => _closed.Task;

        public async Task ConnectAsync(IPEndPoint server)
        {
            await OpenAsync(server, "/ws", $"Sec-WebSocket-Protocol: beacon.v1.proto, bearer.{peer.Guest.AccessToken}\r\n");
            await _welcome.Task;
        }

        public Task<ServerFrame> AskAsync(ClientFrame frame)
        {
            var answer = _answer = new TaskCompletionSource<ServerFrame>(TaskCreationOptions.RunContinuationsAsynchronously);
            frame.RequestId = 1;
            Send(frame);
            if (IsClosed)
                OnClosed();
            return answer.Task;
        }

        public void Send(ClientFrame frame) => Send(Binary, frame.ToByteArray());

        protected override void OnMessage(ReadOnlySpan<byte> message)
        {
            var frame = ServerFrame.Parser.ParseFrom(message);
            if (frame.FrameCase == ServerFrame.FrameOneofCase.Welcome)
                _welcome.TrySetResult();
            else if (frame.RequestId != 0)
                _answer?.TrySetResult(frame);
            else if (this == peer._session)
                peer.Heard(frame);
        }

        protected override void OnClosed()
        {
            var lost = new IOException($"The server closed the connection ({CloseCode}).");
            _welcome.TrySetException(lost);
            _answer?.TrySetException(lost);
            peer.Lost(this);
            _closed.TrySetResult();
        }
    }

    private void Lost(Session session)
    {
        lock (_gate)
        {
            if (session == _session)
                Leave();
        }
    }
}
