using System.Diagnostics;

namespace Beacon.Swarm;

/// <summary>How long each operation of a phase took. Filled by many threads, read once at the end.</summary>
internal sealed class Timings(int capacity)
{
    private readonly long[] _ticks = new long[capacity];
    private int _count;

    public int Count => Math.Min(Volatile.Read(ref _count), _ticks.Length);

    public void Add(long startedAt) => AddTicks(Stopwatch.GetTimestamp() - startedAt);

    public void AddTicks(long ticks)
    {
        var at = Interlocked.Increment(ref _count) - 1;
        if (at < _ticks.Length)
            _ticks[at] = ticks;
    }

    public double PercentileMs(double share)
    {
        if (Count == 0)
            return 0;
        var sorted = _ticks[..Count];
        Array.Sort(sorted);
        return sorted[Math.Min(Count - 1, (int)(share * Count))] * 1_000.0 / Stopwatch.Frequency;
    }
}
