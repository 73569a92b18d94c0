using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// A rate for each client address (IPv6: for each /64, which one client has to itself). Bounded: with too many addresses at once, those that
/// are new share one bucket, so that a flood from everywhere cannot fill the memory.
/// </summary>
internal sealed class AddressRates(double perSecond, int burst, int maxAddresses, TimeProvider clock)
{
    private readonly ConcurrentDictionary<UInt128, TokenBucket> _buckets = new();
    private readonly TokenBucket _overflow = new(perSecond, burst, clock);

    public int Count => _buckets.Count;

    public bool TryTake(IPAddress? address)
    {
        var key = KeyOf(address);
        if (!_buckets.TryGetValue(key, out var bucket))
            bucket = _buckets.Count < maxAddresses ? _buckets.GetOrAdd(key, _ => new TokenBucket(perSecond, burst, clock)) : _overflow;
        lock (bucket)
            return bucket.TryTake();
    }

    /// <summary>Forgets addresses that have their whole burst again: a new bucket would be the same.</summary>
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

    private static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null)
            return default;
        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetwork)
            address = address.MapToIPv6();
        address.TryWriteBytes(bytes, out _);
        if (!address.IsIPv4MappedToIPv6)
            bytes[8..].Clear();
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
