using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>This replica: who is connected to it, by session, account, stream and peer.</summary>
internal sealed class Edge
{
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Session> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Seat> _seats = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Session>> _byAccount = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Seat>> _byStream = new(StringComparer.Ordinal);
    private readonly int _maxSessions;
    private int _count;

    public Edge(IOptions<SignalingOptions> options)
    {
        Id = options.Value.EdgeId is { Length: > 0 } set ? set : Guid.NewGuid().ToString("N")[..12];
        _maxSessions = options.Value.MaxSessions;
    }

    public string Id { get; }

    public int SessionCount => Volatile.Read(ref _count);

    public int SeatCount => _seats.Count;

    /// <summary>Without making a list of them.</summary>
    public IEnumerable<Session> Sessions => _sessions.Select(entry => entry.Value);

    /// <summary>Sessions that were refused and are on their way out.</summary>
    public IEnumerable<Session> Refused => _refused.Select(entry => entry.Value);

    /// <summary>Keeps a refused session in sight until it is gone.</summary>
    public void Refuse(Session session) => _refused[session.Id] = session;

    /// <summary>False when the replica is full.</summary>
    public bool TryOpen(Session session)
    {
        if (Interlocked.Increment(ref _count) > _maxSessions)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        _sessions[session.Id] = session;
        AddTo(_byAccount, session.Caller.AccountId, session.Id, session);
        return true;
    }

    public void Close(Session session)
    {
        _refused.TryRemove(session.Id, out _);
        if (!_sessions.TryRemove(session.Id, out _))
            return;
        Interlocked.Decrement(ref _count);
        RemoveFrom(_byAccount, session.Caller.AccountId, session.Id);
        foreach (var seat in session.Seats.Values)
            Leave(seat);
    }

    /// <summary>Takes a seat. A peer id that resumes takes the place of the former session's seat.</summary>
    public void Take(Seat seat)
    {
        seat.Session.Seats[seat.StreamId] = seat;
        _seats[seat.PeerId] = seat;
        AddTo(_byStream, seat.StreamId, seat.PeerId, seat);
    }

    /// <summary>Gives a seat up. False when another session has taken the peer over by now.</summary>
    public bool Leave(Seat seat)
    {
        seat.Session.Seats.TryRemove(KeyValuePair.Create(seat.StreamId, seat));
        if (!_seats.TryRemove(KeyValuePair.Create(seat.PeerId, seat)))
            return false;
        if (_byStream.TryGetValue(seat.StreamId, out var seats))
        {
            seats.TryRemove(KeyValuePair.Create(seat.PeerId, seat));
            RemoveEmpty(_byStream, seat.StreamId);
        }

        return true;
    }

    public Seat? SeatOf(string peerId) => _seats.GetValueOrDefault(peerId);

    public IEnumerable<Seat> SeatsOf(string streamId) =>
        _byStream.TryGetValue(streamId, out var seats) ? seats.Values : [];

    public IEnumerable<Session> SessionsOf(string accountId) =>
        _byAccount.TryGetValue(accountId, out var sessions) ? sessions.Values : [];

    private static void AddTo<T>(ConcurrentDictionary<string, ConcurrentDictionary<string, T>> index, string key, string id, T value)
    {
        while (true)
        {
            var group = index.GetOrAdd(key, static _ => new(concurrencyLevel: 1, capacity: 1, StringComparer.Ordinal));
            lock (group)
            {
                // The group may have been emptied and dropped between the two lines above.
                if (index.TryGetValue(key, out var current) && ReferenceEquals(current, group))
                {
                    group[id] = value;
                    return;
                }
            }
        }
    }

    private static void RemoveFrom<T>(ConcurrentDictionary<string, ConcurrentDictionary<string, T>> index, string key, string id)
    {
        if (index.TryGetValue(key, out var group))
            group.TryRemove(id, out _);
        RemoveEmpty(index, key);
    }

    private static void RemoveEmpty<T>(ConcurrentDictionary<string, ConcurrentDictionary<string, T>> index, string key)
    {
        if (!index.TryGetValue(key, out var group))
            return;
        lock (group)
        {
            if (group.IsEmpty)
                index.TryRemove(KeyValuePair.Create(key, group));
        }
    }
}
