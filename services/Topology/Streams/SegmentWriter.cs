using System.Buffers;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What a batch says of peers, as bytes.</summary>
/// <param name="Bytes">Segments of a stream's record, see <see cref="StreamRecord"/>; none when nothing is said.</param>
/// <param name="Entries">In all of them.</param>
internal sealed record StreamSegments(IReadOnlyList<byte[]> Bytes, int Entries)
{
    public static StreamSegments None { get; } = new([], 0);
}

/// <summary>Writes segments. Those who are gone come first, and a member before its places.</summary>
internal sealed class SegmentWriter
{
    /// <summary>
    /// A segment ends before it grows past this: no single value is large for the store, and none lands among the large objects, which
    /// only a full collection frees.
    /// </summary>
    public const int MaxSegmentBytes = 64 * 1024;

    /// <summary>More than the longest entry: eight strings and some numbers.</summary>
    private const int MaxEntryBytes = 4096;

    private readonly List<byte[]> _segments = new(1);
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(MaxSegmentBytes);
    private RecordWriter _writer;
    private int _entries;

    public SegmentWriter() => _writer = new RecordWriter(_buffer);

    public void Removed(string id)
    {
        Begin(StreamRecord.RemovedEntry);
        _writer.Text(id);
    }

    public void Add(Member member)
    {
        Begin(StreamRecord.MemberEntry);
        _writer.Text(member.PeerId);
        _writer.Text(member.AccountId);
        _writer.Text(member.EdgeId);
        _writer.Text(member.AddressBlock);
        _writer.Byte(member.TicketMac ? StreamRecord.TakesMacTickets : (byte)0);
    }

    public void Add(int stripe, in PeerRecord place)
    {
        Begin(StreamRecord.PlaceEntry);
        var hasHistory = place.DegradedUntilMs != 0 || place.Strikes != 0 || place.WaitingSince != 0 || place.Evictions is not null;
        var flags = (place.IsRoot ? StreamRecord.IsRoot : 0)
            | (place.WaitsAsOrphan ? StreamRecord.WaitsAsOrphan : 0)
            | (hasHistory ? StreamRecord.HasHistory : 0)
            | (place.Region is null ? 0 : StreamRecord.HasRegion)
            | (place.RidesFree ? StreamRecord.RidesFree : 0);
        _writer.Text(place.Id);
        _writer.Number(stripe);
        _writer.Byte((byte)flags);
        _writer.Float(place.UplinkMbps);
        _writer.Float(place.LatencyMs);
        _writer.Number(place.Slots);
        _writer.Text(place.ParentId);
        _writer.Text(place.StandbyId);
        _writer.Number(place.Version);
        _writer.Byte(Reasons.CodeOf(place.Reason));
        _writer.Number(place.AssignedAtMs);
        if (hasHistory)
            AddHistory(place);
        if (place.Region is not null)
            _writer.Text(place.Region);
    }

    /// <summary>All that was written. Nothing may be written after it.</summary>
    public StreamSegments Close()
    {
        if (_writer.Length > 0)
            _segments.Add(_writer.Taken());
        _writer = default;
        ArrayPool<byte>.Shared.Return(_buffer);
        return _entries == 0 ? StreamSegments.None : new StreamSegments(_segments, _entries);
    }

    private void AddHistory(in PeerRecord place)
    {
        _writer.Number(place.DegradedUntilMs);
        _writer.Number(place.Strikes);
        _writer.Number(place.WaitingSince);
        _writer.Number(place.Evictions?.All.Count ?? 0);
        foreach (var eviction in place.Evictions?.All ?? [])
        {
            _writer.Text(eviction.FromId);
            _writer.Number(eviction.UntilMs);
        }
    }

    private void Begin(byte kind)
    {
        if (_writer.Length >= MaxSegmentBytes - MaxEntryBytes)
            _segments.Add(_writer.Taken());
        if (_writer.Length == 0)
            _writer.Byte(StreamRecord.Version);
        _writer.Byte(kind);
        _entries++;
    }
}
