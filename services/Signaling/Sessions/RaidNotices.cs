using System.Collections.Concurrent;
using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using MassTransit;
using Fault = Beacon.ServiceDefaults.Fault;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// What this replica's viewers are told of raids, and the places that they have in a raid's target before it moves. Who declines, and everybody
/// when a raid is cancelled or takes another target, gives the place back.
/// </summary>
internal sealed class RaidNotices(Edge edge, Departures departures, IBus bus, TimeProvider clock)
{
    /// <summary>A raid that should have moved so long ago has ended unheard.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromHours(1);

    /// <summary>Places that were on their way when their raid was cancelled have come by then.</summary>
    private static readonly TimeSpan CancelMemory = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, RaidAnnounced> _announced = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _cancelled = new(StringComparer.Ordinal);

    public Task AnnounceAsync(RaidAnnounced raid)
    {
        // Word that comes late, of a raid that is off.
        if (_cancelled.ContainsKey(raid.RaidId))
            return Task.CompletedTask;
        var now = clock.GetUtcNow();
        foreach (var (streamId, old) in _announced)
        {
            if (now - old.MovesAt > Overdue)
                _announced.TryRemove(streamId, out _);
        }

        // Raids says it again when it comes back from a crash; who was told has nothing new to hear, and who came since was reminded.
        if (_announced.TryGetValue(raid.FromStreamId, out var former) && former == raid)
            return Task.CompletedTask;
        _announced[raid.FromStreamId] = raid;
        using (var turn = new Turn())
        {
            foreach (var seat in edge.SeatsOf(raid.FromStreamId).Where(seat => !seat.WasTold(raid.RaidId)))
                Tell(turn, seat, raid);
        }

        return GiveBackAsync(raid.FromStreamId, (_, place) => place.TargetStreamId != raid.TargetStreamId);
    }

    /// <summary>Who joins during a countdown hears of it too.</summary>
    public void Remind(Turn turn, Seat seat)
    {
        if (_announced.TryGetValue(seat.StreamId, out var raid) && raid.MovesAt > clock.GetUtcNow())
            Tell(turn, seat, raid);
    }

    /// <summary>Viewers have places in the target: they join it unseen.</summary>
    public Task PrepareAsync(RaidPrepared raid)
    {
        List<Task> unwanted = [];
        using (var turn = new Turn())
        {
            foreach (var seat in raid.PeerIds.Select(edge.SeatOf).OfType<Seat>().Where(seat => seat.StreamId == raid.FromStreamId && !seat.IsRoot))
            {
                var place = PlaceOf(seat, raid.RaidId, raid.TargetStreamId, raid.TargetChannel, raid.TargetTitle);
                var former = seat.Session.Places.Of(raid.RaidId);
                if (_cancelled.ContainsKey(raid.RaidId) || seat.HasDeclined(raid.RaidId) || (former is not null && former != place))
                {
                    unwanted.Add(LeaveAsync(seat.Session, place));
                }
                else if (former is null)
                {
                    seat.Session.Places.Put(place);
                    turn.Send(seat.Session, Frame(place, raid.Viewers, Left(raid.MovesAt), isPlaced: true));
                }
            }
        }

        return Task.WhenAll(unwanted);
    }

    /// <summary>The time has come. Raids may say it again after a crash, and its last word is for everybody: each hears it once.</summary>
    public Task LaunchAsync(RaidLaunched raid)
    {
        List<Task> unwanted = [];
        var told = raid.PeerIds is { Count: > 0 } peerIds
            ? peerIds.Select(edge.SeatOf).OfType<Seat>().Where(seat => seat.StreamId == raid.FromStreamId)
            : edge.SeatsOf(raid.FromStreamId);
        using (var turn = new Turn())
        {
            foreach (var seat in told)
            {
                if (seat.HasDeclined(raid.RaidId) || !seat.TellRaid(raid.RaidId))
                    continue;
                var place = seat.Session.Places.Of(raid.RaidId);
                if (place is not null && place.TargetStreamId != raid.TargetStreamId && !raid.PlacesHold)
                {
                    unwanted.Add(LeaveAsync(seat.Session, place));
                    place = null;
                }

                if (place is null)
                {
                    place = PlaceOf(seat, raid.RaidId, raid.TargetStreamId, raid.TargetChannel, raid.TargetTitle);
                    if (!seat.IsRoot)
                        seat.Session.Places.Put(place);
                }

                turn.Send(seat.Session, Frame(place, raid.Viewers, countdownMs: 0, isPlaced: false));
            }
        }

        return Task.WhenAll(unwanted);
    }

    public Task CancelAsync(RaidCancelled raid)
    {
        var now = clock.GetUtcNow();
        foreach (var (raidId, at) in _cancelled)
        {
            if (now - at > CancelMemory)
                _cancelled.TryRemove(raidId, out _);
        }

        _cancelled[raid.RaidId] = now;
        if (_announced.TryGetValue(raid.FromStreamId, out var announced) && announced.RaidId == raid.RaidId)
            _announced.TryRemove(KeyValuePair.Create(raid.FromStreamId, announced));
        var frame = new ServerFrame { Raid = new Raid { RaidId = raid.RaidId, FromStreamId = raid.FromStreamId, Cancelled = true } };
        using (var turn = new Turn())
        {
            foreach (var seat in edge.SeatsOf(raid.FromStreamId))
                turn.Send(seat.Session, frame);
        }

        return GiveBackAsync(raid.FromStreamId, (_, place) => place.RaidId == raid.RaidId);
    }

    /// <summary>A stream is over: nothing leaves it any more, and nobody has a place in it.</summary>
    public void Forget(string streamId)
    {
        _announced.TryRemove(streamId, out _);
        foreach (var session in edge.Sessions)
        {
            if (session.HasPlaces)
                session.Places.Forget(streamId);
        }
    }

    /// <summary>A viewer stays behind.</summary>
    public async Task<Fault?> DeclineAsync(Session session, DeclineRaid frame)
    {
        if (!session.Seats.TryGetValue(frame.StreamId, out var seat))
            return SignalingErrors.NotInStream;
        if (seat.IsRoot || !_announced.TryGetValue(frame.StreamId, out var raid) || raid.RaidId != frame.RaidId)
            return SignalingErrors.RaidNotAnnounced;
        if (!seat.Decline(raid.RaidId))
            return null;
        await bus.Publish(new RaidDeclined(raid.RaidId, seat.StreamId, seat.PeerId));
        if (session.Places.Of(raid.RaidId) is { } place)
            await LeaveAsync(session, place);
        return null;
    }

    /// <summary>A stream ends whose raid never moved.</summary>
    public Task GiveBackUnsentAsync(string streamId) => GiveBackAsync(streamId, static (seat, place) => !seat.WasTold(place.RaidId));

    private Task GiveBackAsync(string streamId, Func<Seat, PlaceInTarget, bool> fits) => Task.WhenAll(edge.SeatsOf(streamId)
        .Where(seat => seat.Session.HasPlaces)
        .Select(seat => (Seat: seat, Place: seat.Session.Places.From(streamId)))
        .Where(held => held.Place is not null && fits(held.Seat, held.Place))
        .Select(held => LeaveAsync(held.Seat.Session, held.Place!))
        .ToList());

    /// <summary>Joined or not, the viewer is taken out of the target.</summary>
    private async Task LeaveAsync(Session session, PlaceInTarget place)
    {
        session.Places.Remove(place);
        if (session.Seats.TryGetValue(place.TargetStreamId, out var seat) && seat.PeerId == place.PeerId)
            await departures.LeaveAsync(seat);
        else
            await departures.TellAsync(place.TargetStreamId, place.PeerId);
    }

    private static PlaceInTarget PlaceOf(Seat seat, string raidId, string targetStreamId, string targetChannel, string targetTitle) =>
        new(raidId, seat.StreamId, targetStreamId, targetChannel, targetTitle, RaidPlace.PeerId(raidId, targetStreamId, seat.PeerId));

    private void Tell(Turn turn, Seat seat, RaidAnnounced raid) => turn.Send(seat.Session, Frame(
        new PlaceInTarget(raid.RaidId, raid.FromStreamId, raid.TargetStreamId, raid.TargetChannel, raid.TargetTitle, PeerId: ""),
        raid.Viewers,
        Left(raid.MovesAt),
        isPlaced: false));

    /// <summary>Never 0, which would send the audience on.</summary>
    private uint Left(DateTimeOffset movesAt) => (uint)Math.Max(1, (movesAt - clock.GetUtcNow()).TotalMilliseconds);

    private static ServerFrame Frame(PlaceInTarget place, int viewers, uint countdownMs, bool isPlaced) => new()
    {
        Raid = new Raid
        {
            RaidId = place.RaidId,
            FromStreamId = place.FromStreamId,
            TargetStreamId = place.TargetStreamId,
            TargetChannel = place.TargetChannel,
            TargetTitle = place.TargetTitle,
            Viewers = (uint)viewers,
            CountdownMs = countdownMs,
            Placed = isPlaced,
        },
    };
}
