using System.Diagnostics.Metrics;

namespace Beacon.Topology;

/// <summary>The figures of this replica's streams (meter <c>Beacon.Topology</c>). Gauges are sums over its streams, so no label grows with the number of streams.</summary>
internal sealed class TopologyMetrics : IDisposable
{
    private readonly Meter _meter = new("Beacon.Topology");
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StreamGauges> _streams = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inMemory = new(StringComparer.Ordinal);

    public TopologyMetrics()
    {
        Joins = _meter.CreateCounter<long>("beacon.topology.joins", "{peer}", "Peers that joined");
        Moves = _meter.CreateCounter<long>("beacon.topology.moves", "{move}", "Parents assigned to peers that had one, by reason");
        Orphans = _meter.CreateCounter<long>("beacon.topology.orphans", "{peer}", "Peers that lost their parent");
        CommitDuration = _meter.CreateHistogram<double>("beacon.topology.commit.duration", "s", "Commit of one batch to Redis");
        CommitPeers = _meter.CreateHistogram<int>("beacon.topology.commit.peers", "{peer}", "Peer records in one batch");
        SendFailures = _meter.CreateCounter<long>("beacon.topology.send.failures", "{message}", "Messages that an edge did not get");
        StaleOwners = _meter.CreateCounter<long>("beacon.topology.stale_owners", "{stream}", "Activations that another owner fenced out");
        VerifiedBytes = _meter.CreateCounter<long>("beacon.topology.verified", "By", "Verified relay work");
        JournalOutages = _meter.CreateCounter<long>("beacon.topology.journal.outages", "{stream}", "Times that a stream's record could not be written");
        _meter.CreateObservableGauge("beacon.topology.journal.away", () => StreamsInMemory, "{stream}", "Streams whose record cannot be written now");
        _meter.CreateObservableGauge("beacon.topology.streams", () => Sum(_ => 1), "{stream}", "Streams that this replica owns");
        _meter.CreateObservableGauge("beacon.topology.peers", () => Sum(gauges => gauges.Peers), "{peer}", "Peers, roots included");
        _meter.CreateObservableGauge("beacon.topology.waiting", () => Sum(gauges => gauges.Waiting), "{peer}", "Peers without a place");
        _meter.CreateObservableGauge("beacon.topology.degraded", () => Sum(gauges => gauges.Degraded), "{peer}", "Drained parents");
        _meter.CreateObservableGauge("beacon.topology.depth.max", () => Most(gauges => gauges.MaxDepth), "{hop}", "Deepest peer of any stream");
        _meter.CreateObservableGauge("beacon.topology.depth.excess", () => Most(gauges => gauges.ExcessDepth), "{hop}", "Largest mean depth above the ideal of any stream");
    }

    public Counter<long> Joins { get; }

    public Counter<long> Moves { get; }

    public Counter<long> Orphans { get; }

    public Histogram<double> CommitDuration { get; }

    public Histogram<int> CommitPeers { get; }

    public Counter<long> SendFailures { get; }

    public Counter<long> StaleOwners { get; }

    public Counter<long> VerifiedBytes { get; }

    public Counter<long> JournalOutages { get; }

    public void Observe(string streamId, StreamGauges gauges)
    {
        lock (_lock)
            _streams[streamId] = gauges;
    }

    public void Forget(string streamId)
    {
        lock (_lock)
        {
            _streams.Remove(streamId);
            _inMemory.Remove(streamId);
        }
    }

    /// <summary>Streams of this replica whose record cannot be written now.</summary>
    public int StreamsInMemory
    {
        get
        {
            lock (_lock)
                return _inMemory.Count;
        }
    }

    public void JournalAway(string streamId)
    {
        JournalOutages.Add(1);
        lock (_lock)
            _inMemory.Add(streamId);
    }

    public void JournalBack(string streamId)
    {
        lock (_lock)
            _inMemory.Remove(streamId);
    }

    public void Dispose() => _meter.Dispose();

    private long Sum(Func<StreamGauges, long> value)
    {
        lock (_lock)
            return _streams.Values.Sum(value);
    }

    private double Most(Func<StreamGauges, double> value)
    {
        lock (_lock)
            return _streams.Values.Select(value).DefaultIfEmpty().Max();
    }
}

internal sealed record StreamGauges(int Peers, int Waiting, int Degraded, int MaxDepth, double ExcessDepth);
