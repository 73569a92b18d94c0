using System.Collections.Concurrent;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// A rate for each key. Bounded: with too many keys at once, those that are new share one bucket, so that a flood from everywhere cannot
/// fill the memory.
/// </summary>
internal sealed class KeyedRates<TKey>(double perSecond, int burst, int maxKeys, TimeProvider clock) where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, TokenBucket> _buckets = new();
    private readonly TokenBucket _overflow = new(perSecond, burst, clock);

    public int Count => _buckets.Count;

    public RateReading Take(TKey key)
    {
        if (!_buckets.TryGetValue(key, out var bucket))
            bucket = _buckets.Count < maxKeys ? _buckets.GetOrAdd(key, _ => new TokenBucket(perSecond, burst, clock)) : _overflow;
        lock (bucket)
            return bucket.Take();
    }

    /// <summary>Forgets keys that have their whole burst again: a new bucket would be the same.</summary>
    public void Sweep()
    {
        foreach (var (key, bucket) in _buckets)
        {
            lock (bucket)
            {
                if (bucket.IsFull())
                    _buckets.TryRemove(key, out _);
            }
        }
    }
}
