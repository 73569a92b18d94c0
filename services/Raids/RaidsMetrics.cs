using System.Diagnostics.Metrics;
using Beacon.Raids.Raid;

namespace Beacon.Raids;

/// <summary>The meter <c>Beacon.Raids</c>.</summary>
internal sealed class RaidsMetrics : IDisposable
{
    private const string Raided = "raided";
    private readonly Meter _meter;
    private readonly Counter<long> _raids;
    private readonly Histogram<long> _viewers;
    private readonly Counter<long> _targetsGone;

    public RaidsMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("Beacon.Raids");
        _raids = _meter.CreateCounter<long>("beacon.raids.finished", "{raid}", "Raids that are over, by what became of them");
        _viewers = _meter.CreateHistogram<long>("beacon.raids.viewers", "{viewer}", "Viewers that a raid sends on");
        _targetsGone = _meter.CreateCounter<long>("beacon.raids.targets_gone", "{stream}", "Drawn targets that were not live any more");
    }

    /// <summary>Somebody listens now: the first raid is an increase.</summary>
    public void Begin() => _raids.Add(0, Outcome(Raided));

    public void Ended(RaidRecord raid)
    {
        _raids.Add(1, Outcome(raid.State == RaidState.Done ? Raided : raid.Reason));
        if (raid.State == RaidState.Done)
            _viewers.Record(raid.Viewers);
    }

    public void TargetGone() => _targetsGone.Add(1);

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("outcome", outcome);
}
