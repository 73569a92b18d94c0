using Beacon.Contracts.Topology.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Gives up the seats of a session that is over: at once when the client said goodbye, after a grace time when its connection was lost,
/// because a phone that changes networks is back in a moment and its data channels never broke.
/// </summary>
internal sealed class Departures(Edge edge, TopologyCalls topology, IOptions<SignalingOptions> options, TimeProvider clock, ILogger<Departures> log) : BackgroundService
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    /// <summary>Between two attempts to tell Topology: it is away while another replica takes a stream over.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>By then a peer has been missed for its reports.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Queue<(long Since, Seat Seat)> _lost = [];
    private readonly Queue<(long Since, PeerLeave Leave)> _untold = [];
    private long _triedAt;

    /// <summary>Gives a seat up and tells Topology, now or as soon as it can be reached, unless another session has taken the peer over.</summary>
    public async Task LeaveAsync(Seat seat)
    {
        if (!edge.Leave(seat))
            return;
        using var span = SignalingTraces.Lost(seat);
        await TellAsync(seat.StreamId, seat.PeerId, span?.Id ?? "");
    }

    /// <summary>The same of a peer that has no seat.</summary>
    public Task TellAsync(string streamId, string peerId, string traceparent = "") =>
        TellAsync(new PeerLeave { StreamId = streamId, PeerId = peerId, EdgeId = edge.Id, Traceparent = traceparent }, clock.GetTimestamp());

    /// <summary>Its peers go on at another replica, so nobody hears that they left; who does not arrive there is missed for its reports.</summary>
    public void LetGo(Session session)
    {
        foreach (var seat in session.Seats.Values)
            edge.Leave(seat);
    }

    public async Task EndAsync(Session session, bool isLost)
    {
        foreach (var seat in session.Seats.Values)
        {
            if (isLost && TryKeep(seat))
                continue;
            await LeaveAsync(seat);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Glance, clock);
        try
        {
            while (await tick.WaitForNextTickAsync(stoppingToken))
            {
                await Task.WhenAll(Due().Select(LeaveAsync));
                // Who is back under its id has not left.
                await Task.WhenAll(Untold().Where(one => edge.SeatOf(one.Leave.PeerId) is null).Select(one => TellAsync(one.Leave, one.Since)));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Who is not back by now resumes elsewhere, or is missed for its reports.
        }
    }

    private bool TryKeep(Seat seat)
    {
        if (options.Value.ResumeGraceMs == 0)
            return false;
        lock (_gate)
        {
            // Each of them is somebody's session of a moment ago, so they are as many as there may be sessions.
            if (_lost.Count >= options.Value.MaxSessions)
                return false;
            _lost.Enqueue((clock.GetTimestamp(), seat));
        }

        // It is no part of the session any more, which is about to be closed.
        seat.Session.Seats.TryRemove(KeyValuePair.Create(seat.StreamId, seat));
        return true;
    }

    private List<Seat> Due()
    {
        var due = new List<Seat>();
        lock (_gate)
        {
            while (_lost.TryPeek(out var lost) && clock.GetElapsedTime(lost.Since).TotalMilliseconds >= options.Value.ResumeGraceMs)
                due.Add(_lost.Dequeue().Seat);
        }

        return due;
    }

    /// <summary>Leaves that are to be told again now.</summary>
    private List<(long Since, PeerLeave Leave)> Untold()
    {
        lock (_gate)
        {
            if (_untold.Count == 0 || clock.GetElapsedTime(_triedAt) < Pause)
                return [];
            List<(long, PeerLeave)> untold = [.. _untold];
            _untold.Clear();
            return untold;
        }
    }

    private async Task TellAsync(PeerLeave leave, long since)
    {
        try
        {
            await topology.LeaveAsync(leave);
        }
        catch (RpcException exception)
        {
            lock (_gate)
            {
                _triedAt = clock.GetTimestamp();
                // As many as there may be sessions.
                if (clock.GetElapsedTime(since) < Patience && _untold.Count < options.Value.MaxSessions)
                {
                    _untold.Enqueue((since, leave));
                    return;
                }
            }

            Log.LeaveNotDelivered(log, leave.PeerId, leave.StreamId, exception);
        }
    }
}
