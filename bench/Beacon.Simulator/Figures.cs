using System.Text.Json.Nodes;

namespace Beacon.Simulator;

/// <summary>What is counted while a trace runs through a policy.</summary>
internal sealed class Figures(IPolicy policy)
{
    private double _depth;
    private double _idealDepth;
    private int _samples;
    private int _max;
    private int _idealMax;
    private long _hit;
    private int _worstHit;
    private double _worstHitIfEven;
    private long _moves;
    private long _byStandby;
    private int _oversubscribed;
    private double _viewerMs;
    private double _strandedMs;

    public int Departures { get; private set; }

    public long Orphans { get; private set; }

    /// <summary>Time goes by in which nothing changes.</summary>
    public void Pass(double elapsedMs, int viewers)
    {
        _viewerMs += elapsedMs * viewers;
        _strandedMs += elapsedMs * policy.Stranded / policy.Stripes;
    }

    public void Lost(Loss loss)
    {
        Departures++;
        _hit += loss.Hit;
        _worstHit = Math.Max(_worstHit, loss.Hit);
        _worstHitIfEven = Math.Max(_worstHitIfEven, loss.HitIfEven);
        Orphans += loss.Orphans;
        _byStandby += loss.ByStandby;
    }

    public void Moved(int moves) => _moves += moves;

    /// <summary>Looks at every viewer of every stripe.</summary>
    public void Sample()
    {
        for (var stripe = 0; stripe < policy.Stripes; stripe++)
        {
            var places = policy.Places(stripe).ToList();
            var placed = places.Where(place => place.Depth > 0).ToList();
            if (placed.Count == 0)
                continue;
            var ideal = Ideal.Of(policy.RootSlots(stripe), placed.Select(place => place.Slots));
            var max = placed.Max(place => place.Depth);
            _samples++;
            _depth += placed.Average(place => place.Depth);
            _idealDepth += ideal.Mean;
            // The moment at which the tree was furthest from its ideal is the one that is told.
            if (max - ideal.Max > _max - _idealMax || (max - ideal.Max == _max - _idealMax && max > _max))
                (_max, _idealMax) = (max, ideal.Max);
            // By what the uplink really carries, whatever was granted.
            _oversubscribed += places.Count(place =>
                place.Children + place.Reserved > place.Slots
                || place.Children * (Workload.BitrateKbps / (double)policy.Stripes) > place.UplinkMbps * 1000);
        }
    }

    public JsonObject ToJson() => new()
    {
        ["mean_depth"] = Math.Round(_depth / _samples, 4),
        ["ideal_mean_depth"] = Math.Round(_idealDepth / _samples, 4),
        ["max_depth"] = _max,
        ["ideal_max_depth"] = _idealMax,
        // A viewer that misses one stripe of four misses a quarter of the stream.
        ["hit_per_departure"] = Math.Round((double)_hit / policy.Stripes / Math.Max(1, Departures), 4),
        ["worst_hit"] = Math.Round((double)_worstHit / policy.Stripes, 2),
        // What the same losses would have hit at worst below a root whose branches are of one size: no tree does better.
        ["worst_hit_floor"] = _worstHitIfEven == 0 ? null : Math.Round(_worstHitIfEven / policy.Stripes, 2),
        ["moves_per_departure"] = Math.Round((double)_moves / policy.Stripes / Math.Max(1, Departures), 4),
        ["interruptions_per_viewer_hour"] = Math.Round(_hit / (double)policy.Stripes / (_viewerMs / 3_600_000), 4),
        ["oversubscribed_parents"] = _oversubscribed,
        ["stranded_viewer_seconds"] = Math.Round(_strandedMs / 1000, 3),
        ["standby_used_share"] = Orphans == 0 ? 0 : Math.Round((double)_byStandby / Orphans, 4),
    };
}
