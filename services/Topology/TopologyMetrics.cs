using System.Diagnostics.Metrics;
using Beacon.Topology.Streams;

namespace Beacon.Topology;

/// <summary>
/// The figures of this replica's streams (meter <c>Beacon.Topology</c>, listed in docs/operations.md). Gauges are taken over all of its
/// streams, so no label grows with the number of streams.
/// </summary>
internal sealed class TopologyMetrics : IDisposable
{
    private static readonly InstrumentAdvice<double> CommitSeconds = new() { HistogramBucketBoundaries = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5] };
    private static readonly InstrumentAdvice<double> HealSeconds = new() { HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60] };
    private static readonly InstrumentAdvice<double> Viewers = new() { HistogramBucketBoundaries = [0, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] };
    private static readonly InstrumentAdvice<int> Records = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] };

    private readonly Meter _meter;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StreamGauges> _streams = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inMemory = new(StringComparer.Ordinal);
    private readonly Counter<long> _journalOutages;
    private readonly Counter<long> _joins;
    private readonly Counter<long> _moves;
    private readonly Counter<long> _orphans;
    private readonly Histogram<double> _blastRadius;
    private readonly Histogram<double> _healDuration;
    private readonly Histogram<double> _commitDuration;
    private readonly Histogram<int> _commitPeers;

    /// <param name="meters">Null where nobody listens: in a simulation.</param>
    public TopologyMetrics(IMeterFactory? meters = null)
    {
        _meter = meters?.Create("Beacon.Topology") ?? new Meter("Beacon.Topology");
        _joins = _meter.CreateCounter<long>("beacon.topology.joins", "{peer}", "Viewers that joined; one that comes back counts no second time.");
        _moves = _meter.CreateCounter<long>("beacon.topology.moves", "{move}", "Other parents assigned to peers that had one, by reason.");
        _orphans = _meter.CreateCounter<long>("beacon.topology.orphans", "{peer}", "Peers that lost their parent.");
        _blastRadius = _meter.CreateHistogram("beacon.topology.blast_radius", "{viewer}", "Viewers below the peers of one loss, in whole streams.", advice: Viewers);
        _healDuration = _meter.CreateHistogram("beacon.topology.heal.duration", "s", "From the loss of a parent until its orphan's edge was told the next one.", advice: HealSeconds);
        _commitDuration = _meter.CreateHistogram("beacon.topology.commit.duration", "s", "Commit of one batch to Redis.", advice: CommitSeconds);
        _commitPeers = _meter.CreateHistogram("beacon.topology.commit.peers", "{peer}", "Peers whose records one batch wrote or deleted.", advice: Records);
        SendFailures = _meter.CreateCounter<long>("beacon.topology.send.failures", "{message}", "Messages that an edge did not get.");
        StaleOwners = _meter.CreateCounter<long>("beacon.topology.stale_owners", "{stream}", "Activations that another owner fenced out.");
        VerifiedBytes = _meter.CreateCounter<long>("beacon.topology.verified", "By", "Verified relay work.");
        _journalOutages = _meter.CreateCounter<long>("beacon.topology.journal.outages", "{stream}", "Times that a stream's record could not be written.");
        _meter.CreateObservableGauge("beacon.topology.journal.away", () => StreamsInMemory, "{stream}", "Streams whose record cannot be written now.");
        Gauge("streams", "{stream}", "Streams that this replica owns.", streams => streams.Count);
        Gauge("peers", "{peer}", "Peers, broadcasters included.", streams => streams.Sum(stream => stream.Peers));
        Gauge("waiting", "{peer}", "Peers without a place, in a stripe or more.", streams => streams.Sum(stream => stream.Waiting));
        Gauge("degraded", "{peer}", "Drained parents.", streams => streams.Sum(stream => stream.Degraded));
        Gauge("depth.mean", "{hop}", "Mean depth of the placed viewers.", streams => PerPlace(streams, stream => stream.DepthSum));
        Gauge("depth.ideal.mean", "{hop}", "What it would be in the ideal trees.", streams => PerPlace(streams, stream => stream.IdealDepthSum));
        Gauge("depth.max", "{hop}", "Depth of the deepest peer of any stream.", streams => streams.Select(stream => stream.MaxDepth).DefaultIfEmpty().Max());
        Gauge("depth.ideal.max", "{hop}", "Depth of the deepest ideal tree of any stream.", streams => streams.Select(stream => stream.IdealMaxDepth).DefaultIfEmpty().Max());
        Gauge("depth.excess", "{hop}", "Largest mean depth above the ideal of any stream.", streams => streams.Select(Excess).DefaultIfEmpty().Max());
        Gauge("standby.coverage", "1", "Share of the viewers that have a standby parent.", Coverage);
    }

    public Counter<long> SendFailures { get; }

    public Counter<long> StaleOwners { get; }

    public Counter<long> VerifiedBytes { get; }

    /// <summary>Somebody listens now. What hardly ever happens is there from then on, at zero: an alert on its increase would miss the first event.</summary>
    public void Begin()
    {
        SendFailures.Add(0);
        StaleOwners.Add(0);
        VerifiedBytes.Add(0);
        _journalOutages.Add(0);
    }

    public void Committed(StreamBatch batch, TimeSpan duration)
    {
        _commitDuration.Record(duration.TotalSeconds);
        _commitPeers.Record(batch.Peers);
    }

    public void Decided(BatchEvents events)
    {
        if (events.Joins > 0)
            _joins.Add(events.Joins);
        foreach (var (reason, moves) in events.Moves)
            _moves.Add(moves, new KeyValuePair<string, object?>("reason", reason));
        foreach (var loss in events.Losses)
        {
            _blastRadius.Record(loss.Viewers);
            if (loss.Orphans > 0)
                _orphans.Add(loss.Orphans);
        }
    }

    /// <summary>The directives of a batch have gone out.</summary>
    public void Told(BatchEvents events, long nowMs)
    {
        foreach (var heal in events.Heals)
            _healDuration.Record((nowMs - heal.LostAtMs) / 1000.0, new KeyValuePair<string, object?>("by", heal.ByStandby ? "standby" : "search"));
    }

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

    /// <summary>The record of a stream cannot be written from now on.</summary>
    public void JournalAway(string streamId)
    {
        _journalOutages.Add(1);
        lock (_lock)
            _inMemory.Add(streamId);
    }

    public void JournalBack(string streamId)
    {
        lock (_lock)
            _inMemory.Remove(streamId);
    }

    public void Dispose() => _meter.Dispose();

    private static double Coverage(IReadOnlyCollection<StreamGauges> streams)
    {
        var wanted = streams.Sum(stream => stream.Wanted);
        return wanted == 0 ? 0 : (double)streams.Sum(stream => stream.Standbys) / wanted;
    }

    private static double PerPlace(IReadOnlyCollection<StreamGauges> streams, Func<StreamGauges, double> value)
    {
        var places = streams.Sum(stream => stream.Places);
        return places == 0 ? 0 : streams.Sum(value) / places;
    }

    private static double Excess(StreamGauges stream) => stream.Places == 0 ? 0 : Math.Max(0, (stream.DepthSum - stream.IdealDepthSum) / stream.Places);

    private void Gauge(string name, string unit, string description, Func<IReadOnlyCollection<StreamGauges>, double> value) =>
        _meter.CreateObservableGauge($"beacon.topology.{name}", () => Over(value), unit, description);

    private double Over(Func<IReadOnlyCollection<StreamGauges>, double> value)
    {
        lock (_lock)
            return value(_streams.Values);
    }
}

/// <summary>One stream's figures of this moment. All but the first three are over its stripes.</summary>
/// <param name="Waiting">Without a place in a stripe or more.</param>
/// <param name="Wanted">Places that its viewers should have: one each in every stripe.</param>
/// <param name="Places">Those that a path joins to the root.</param>
internal sealed record StreamGauges(
    int Peers, int Waiting, int Degraded, int Wanted, int Places, double DepthSum, double IdealDepthSum, int MaxDepth, int IdealMaxDepth, int Standbys);
