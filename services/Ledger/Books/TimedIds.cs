using System.Buffers.Binary;

namespace Beacon.Ledger.Books;

/// <summary>
/// Proves of most ids that they are new without a look into the journal. A UUID of version 7 begins with its time, and all
/// that the journal has from a certain time on are remembered here; that time moves on as the memory fills. Of other ids,
/// and of older ones, nothing is known. Clocks of callers decide how often this helps, and never whether it is right.
/// </summary>
/// <param name="capacity">Ids that are remembered at least before the oldest half is forgotten; twice as many at most.</param>
/// <param name="fromMs">The journal has no id of version 7 of this time or later, Unix milliseconds...</param>
/// <param name="toMs">...and before this time.</param>
internal sealed class TimedIds(int capacity, long fromMs, long toMs)
{
    /// <summary>After every time that an id can have.</summary>
    public const long EndMs = 1L << 47;

    private HashSet<Guid> _young = new(IdsByTime.Comparer);
    private HashSet<Guid> _old = new(IdsByTime.Comparer);
    private long _youngLastMs;
    private long _oldLastMs;
    private long _fromMs = fromMs;

    /// <summary>True when the id was certainly never added and is not in the journal.</summary>
    public bool IsNew(Guid id) => IsKnown(id, out var timeMs) && !_young.Contains(id) && (timeMs > _oldLastMs || !_old.Contains(id));

    /// <summary>An id that the journal has now.</summary>
    public void Add(Guid id)
    {
        if (!IsKnown(id, out var timeMs))
            return;
        _young.Add(id);
        _youngLastMs = Math.Max(_youngLastMs, timeMs);
        if (_young.Count < capacity)
            return;
        _fromMs = Math.Max(_fromMs, _oldLastMs + 1);
        (_old, _young) = (_young, _old);
        (_oldLastMs, _youngLastMs) = (_youngLastMs, 0);
        _young.Clear();
    }

    /// <summary>The time of an id of version 7, Unix milliseconds; null of another.</summary>
    public static long? TimeOf(Guid id)
    {
        if (id.Version != 7)
            return null;
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
    }

    /// <summary>The lowest of all ids of a time or later.</summary>
    public static Guid FirstOf(long timeMs)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, timeMs << 16);
        return new Guid(bytes, bigEndian: true);
    }

    private bool IsKnown(Guid id, out long timeMs)
    {
        timeMs = TimeOf(id) ?? -1;
        return timeMs >= _fromMs && timeMs < toMs;
    }
}
