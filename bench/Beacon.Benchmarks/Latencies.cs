using System.Diagnostics;
using System.Numerics;

namespace Beacon.Benchmarks;

/// <summary>Durations from many threads, in buckets of 1/32 of their size: percentiles to 3 % without keeping each.</summary>
internal sealed class Latencies
{
    private const int PerDoubling = 32;
    private readonly long[] _buckets = new long[64 * PerDoubling];

    public void Add(long ticks) => Interlocked.Increment(ref _buckets[Bucket(ticks)]);

    public double Milliseconds(double percentile)
    {
        var left = (long)Math.Ceiling(_buckets.Sum() * percentile / 100);
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            left -= _buckets[bucket];
            if (left <= 0)
                return Value(bucket) * 1_000.0 / Stopwatch.Frequency;
        }

        return 0;
    }

    private static int Bucket(long ticks)
    {
        var value = (ulong)Math.Max(ticks, PerDoubling);
        var exponent = BitOperations.Log2(value);
        return ((exponent - 5) * PerDoubling) + (int)((value >> (exponent - 5)) & (PerDoubling - 1));
    }

    /// <summary>The upper end of a bucket.</summary>
    private static double Value(int bucket) => (double)(ulong)(PerDoubling + (bucket % PerDoubling) + 1) * Math.Pow(2, bucket / PerDoubling);
}
