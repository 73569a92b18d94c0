using Beacon.Topology.Streams;
using StackExchange.Redis;

namespace Beacon.Simulation.Tests;

/// <summary>
/// What <see cref="StreamStore"/> promises, without a store: the same fencing, numbers and bytes. Between a replica and the journal a
/// request or its answer may be lost, late or refused, and the journal may be away.
/// </summary>
internal sealed class SimulatedJournal(VirtualTime time)
{
    private static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(5);

    private readonly VirtualTime _time = time;
    private readonly Dictionary<string, Record> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _channels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _live = new(StringComparer.Ordinal);
    private DateTimeOffset _awayUntil;
    private bool _isPaused;

    public double FaultRate { get; set; }

    public int Faults { get; private set; }

    /// <summary>Windows that were in the record at some time; who publishes one again found it there.</summary>
    public HashSet<long> RecordedWindows { get; } = [];

    public IEnumerable<string> Live => _live.Keys;

    /// <summary>Paused, it does later what it is asked meanwhile; else it does nothing of it.</summary>
    public void GoAway(TimeSpan duration, bool paused)
    {
        _awayUntil = _time.Clock.GetUtcNow() + duration;
        _isPaused = paused;
    }

    public void ComeBack() => _awayUntil = default;

    public StoredStream? Peek(string streamId) => _records.TryGetValue(streamId, out var record) && record.Meta is not null ? Read(record) : null;

    public IStreamJournal For(Replica replica) => new Connection(this, replica);

    private static StoredStream Read(Record record) => new(
        record.Epoch,
        StreamRecord.ReadMeta(record.Meta!),
        StreamRecord.ReadSegments(record.Segments),
        record.Outbox.ToDictionary(work => work.Key, work => StreamRecord.ReadWork(work.Value)));

    private sealed class Record
    {
        public long Epoch { get; set; }

        public long Number { get; set; }

        public byte[]? Meta { get; set; }

        public List<byte[]> Segments { get; } = [];

        public Dictionary<long, byte[]> Outbox { get; } = [];
    }

    private sealed class Connection(SimulatedJournal journal, Replica replica) : IStreamJournal
    {
        private DateTimeOffset _lastArrival;

        public Task<StoredStream?> TakeAsync(string streamId, long nowMs) => Ask(() =>
        {
            if (!journal._records.TryGetValue(streamId, out var record) || record.Meta is null)
                return null;
            Raise(record, nowMs);
            return Read(record);
        });

        public Task<long> CreateAsync(string streamId, long nowMs) => Ask(() =>
        {
            if (!journal._records.TryGetValue(streamId, out var record))
                journal._records[streamId] = record = new Record();
            Raise(record, nowMs);
            return record.Epoch;
        });

        public Task<CommitOutcome> CommitAsync(string streamId, long epoch, long number, StreamBatch batch)
        {
            var meta = batch.Meta is null ? null : StreamRecord.Write(batch.Meta);
            var outbox = batch.Outbox.Select(work => (work.Window, StreamRecord.Write(work))).ToList();
            return Ask(() =>
            {
                if (!journal._records.TryGetValue(streamId, out var record))
                    return CommitOutcome.Broken;
                if (record.Epoch != epoch)
                    return CommitOutcome.Stale;
                if (batch.IsWhole ? number <= record.Number : number != record.Number + 1)
                    return CommitOutcome.Broken;
                record.Number = number;
                if (batch.IsWhole)
                {
                    record.Segments.Clear();
                    record.Outbox.Clear();
                }

                record.Meta = meta ?? record.Meta;
                record.Segments.AddRange(batch.Segments.Bytes);
                foreach (var (window, work) in outbox)
                {
                    record.Outbox[window] = work;
                    journal.RecordedWindows.Add(window);
                }

                foreach (var window in batch.Published)
                    record.Outbox.Remove(window);
                return CommitOutcome.Done;
            });
        }

        public Task PingAsync() => Ask(() => true);

        public Task<bool> DeleteAsync(string streamId, long epoch) => Ask(() =>
        {
            if (!journal._records.TryGetValue(streamId, out var record) || record.Epoch != epoch)
                return false;
            record.Meta = null;
            record.Segments.Clear();
            record.Outbox.Clear();
            return true;
        });

        public Task<string?> ClaimChannelAsync(string channel, string streamId) =>
            Ask(() => journal._channels.TryAdd(channel, streamId) || journal._channels[channel] == streamId ? null : journal._channels[channel]);

        public Task ReleaseChannelAsync(string channel, string streamId) =>
            Ask(() => journal._channels.TryGetValue(channel, out var holder) && holder == streamId && journal._channels.Remove(channel));

        public Task AddLiveAsync(string streamId, string channel) => Ask(() => journal._live[streamId] = channel);

        public Task RemoveLiveAsync(string streamId) => Ask(() => journal._live.Remove(streamId));

        public Task<int> CountLiveAsync() => Ask(() => journal._live.Count);

        private static void Raise(Record record, long nowMs)
        {
            record.Epoch = Math.Max(record.Epoch + 1, nowMs);
            record.Number = 0;
        }

        /// <summary>What one connection sends arrives in order, unless it is late.</summary>
        private Task<T> Ask<T>(Func<T> apply)
        {
            var time = journal._time;
            // Continuations go to the scheduler of whoever waits: it is the only one here.
            var answer = new TaskCompletionSource<T>();
            // A replica that is gone asks nobody, and nobody answers it.
            if (replica.IsDead)
                return answer.Task;
            time.After(GivesUpAfter, () => Answer(() => answer.TrySetException(new RedisTimeoutException("no answer", CommandStatus.Sent))));
            var now = time.Clock.GetUtcNow();
            if (now < journal._awayUntil && !journal._isPaused)
            {
                Refuse();
                return answer.Task;
            }

            var arrival = now + time.Between(1, 4);
            if (now < journal._awayUntil)
                arrival = journal._awayUntil + time.Between(1, 4);
            if (arrival < _lastArrival)
                arrival = _lastArrival;
            var fault = time.Chance(journal.FaultRate) ? time.Random.Next(4) : -1;
            if (fault >= 0)
                journal.Faults++;
            switch (fault)
            {
                case 0:
                    // The request is lost.
                    return answer.Task;
                case 1:
                    time.After(arrival - now, () => apply());
                    return answer.Task;
                case 2:
                    Send(arrival + time.Between(500, 9_000));
                    return answer.Task;
                case 3:
                    Refuse();
                    return answer.Task;
                default:
                    _lastArrival = arrival;
                    Send(arrival);
                    return answer.Task;
            }

            void Send(DateTimeOffset at) => time.After(at - now, () =>
            {
                var result = apply();
                time.After(time.Between(0, 3), () => Answer(() => answer.TrySetResult(result)));
            });

            void Refuse() => time.After(time.Between(1, 20), () => Answer(() => answer.TrySetException(new RedisConnectionException(ConnectionFailureType.SocketFailure, "away"))));

            void Answer(Action give)
            {
                if (!replica.IsDead)
                    give();
            }
        }
    }
}
