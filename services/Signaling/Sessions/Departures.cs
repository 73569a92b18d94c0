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
    private readonly Lock _gate = new();
    private readonly Queue<(long Since, Seat Seat)> _lost = [];

    /// <summary>Gives a seat up and tells Topology, unless another session has taken the peer over.</summary>
    public async Task LeaveAsync(Seat seat)
    {
        if (!edge.Leave(seat))
            return;
        using var span = SignalingTraces.Lost(seat);
        await topology.LeaveAsync(new PeerLeave { StreamId = seat.StreamId, PeerId = seat.PeerId, EdgeId = edge.Id, Traceparent = span?.Id ?? "" });
    }

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
            await TryLeaveAsync(seat);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Glance, clock);
        try
        {
            while (await tick.WaitForNextTickAsync(stoppingToken))
                await Task.WhenAll(Due().Select(TryLeaveAsync));
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

    private async Task TryLeaveAsync(Seat seat)
    {
        try
        {
            await LeaveAsync(seat);
        }
        catch (RpcException exception)
        {
            Log.LeaveNotDelivered(log, seat.PeerId, seat.StreamId, exception);
        }
    }
}
