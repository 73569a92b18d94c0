using System.Buffers.Binary;
using System.Text;
using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>
/// The bytes of a stream's record. A journal is a list of segments, each a version and then entries; a later entry about a peer replaces
/// an earlier one, so reading is going through it once. A member's facts are written once, its place when it changes.
/// <code>
/// segment  version(1) entry*
/// entry    1 member   id account edge block flags
///          2 place    id stripe flags uplink:f64 latency:f64 slots parent standby version reason assignedAt [degradedUntil strikes waitingSince evictions*(from until)] [region]
///          3 removed  id
/// string   0 null · 1..254 one more than the number of UTF-8 bytes that follow · 255 a UUID of 16 bytes
/// number   LEB128 of the zigzag value
/// </code>
/// </summary>
internal static class StreamRecord
{
    public const byte Version = 3;

    public const byte MemberEntry = 1;
    public const byte PlaceEntry = 2;
    public const byte RemovedEntry = 3;

    public const byte TakesMacTickets = 1;

    public const int IsRoot = 1;
    public const int WaitsAsOrphan = 2;
    public const int HasHistory = 4;
    public const int HasRegion = 8;
    public const int RidesFree = 16;

    /// <summary>Enough for most that is not a segment.</summary>
    private const int FirstBytes = 512;

    /// <summary>The peers that the segments of a journal, in order, amount to.</summary>
    /// <exception cref="InvalidDataException">The segments were written by another version, or are damaged.</exception>
    public static IReadOnlyList<PeerState> ReadSegments(IEnumerable<byte[]> segments)
    {
        var peers = new Dictionary<string, (Member? Member, SortedDictionary<int, PeerRecord> Places)>(StringComparer.Ordinal);
        foreach (var segment in segments)
        {
            var reader = Open(segment);
            while (!reader.IsAtEnd)
            {
                var kind = reader.Byte();
                var id = reader.Id();
                switch (kind)
                {
                    case RemovedEntry:
                        peers.Remove(id);
                        break;
                    case MemberEntry:
                        var places = peers.TryGetValue(id, out var known) ? known.Places : [];
                        peers[id] = (new Member(id, reader.Id(), reader.Id(), reader.Id()) { TicketMac = (reader.Byte() & TakesMacTickets) != 0 }, places);
                        break;
                    case PlaceEntry:
                        var stripe = (int)reader.Number();
                        if (!peers.TryGetValue(id, out var peer))
                            throw new InvalidDataException($"the record gives a place to {id}, who is no member");
                        peer.Places[stripe] = ReadPlace(ref reader, id);
                        break;
                    default:
                        throw new InvalidDataException($"the record has an entry of the unknown kind {kind}");
                }
            }
        }

        return [.. peers.Values.Select(peer => new PeerState(peer.Member!, [.. peer.Places.Select(place => new StripePlace(place.Key, place.Value))]))];
    }

    public static byte[] Write(StreamMeta meta)
    {
        var writer = new RecordWriter(new byte[FirstBytes]);
        writer.Byte(Version);
        writer.LongText(meta.Channel);
        writer.LongText(meta.Title);
        writer.Text(meta.AccountId);
        writer.Number(meta.BitrateKbps);
        writer.Number(meta.MaxChildren);
        writer.Number(meta.Stripes);
        writer.Number(meta.StartedAtMs);
        writer.Text(meta.EndedReason);
        writer.Number(meta.RootLostAtMs);
        writer.Number(meta.TreeVersion);
        writer.Number(meta.LastSettledWindow);
        writer.Number(meta.EndedAtMs);
        writer.Number(meta.NumbersFrom);
        return writer.Taken();
    }

    public static StreamMeta ReadMeta(byte[] bytes)
    {
        var reader = Open(bytes);
        return new StreamMeta(
            reader.LongText(), reader.LongText(), reader.Id(), (int)reader.Number(), (int)reader.Number(), (int)reader.Number(), reader.Number())
        {
            EndedReason = reader.Text(),
            RootLostAtMs = reader.Number(),
            TreeVersion = reader.Number(),
            LastSettledWindow = reader.Number(),
            EndedAtMs = reader.IsAtEnd ? 0 : reader.Number(),
            NumbersFrom = reader.IsAtEnd ? 0 : reader.Number(),
        };
    }

    public static byte[] Write(RelayWorkVerified work)
    {
        var writer = new RecordWriter(new byte[FirstBytes]);
        writer.Byte(Version);
        writer.Text(work.StreamId);
        writer.Text(work.BroadcasterAccountId);
        writer.Number(work.Window);
        writer.Number(work.WindowMs);
        writer.Number(work.Viewers);
        writer.Optional(work.ConsumedBytes);
        writer.Number(work.Relays.Count);
        foreach (var relay in work.Relays)
        {
            writer.Text(relay.AccountId);
            writer.Number(relay.VerifiedBytes);
            writer.Optional(relay.ReceiptAccounts);
            writer.Number(relay.SameAccountBytes);
            writer.Number(relay.SameAddressBlockBytes);
            writer.Number(relay.UnansweredBytes);
            writer.Number(relay.OverSlotsBytes);
        }

        return writer.Taken();
    }

    public static RelayWorkVerified ReadWork(byte[] bytes)
    {
        var reader = Open(bytes);
        var (streamId, account, window, windowMs, viewers) = (reader.Id(), reader.Id(), reader.Number(), (int)reader.Number(), (int)reader.Number());
        var consumed = reader.Optional();
        var count = reader.Number();
        var relays = new List<VerifiedRelay>();
        for (var relay = 0L; relay < count; relay++)
        {
            relays.Add(new VerifiedRelay(
                reader.Id(), reader.Number(), (int?)reader.Optional(), reader.Number(), reader.Number(), reader.Number(), reader.Number()));
        }

        return new RelayWorkVerified(streamId, account, window, windowMs, viewers, relays, consumed);
    }

    private static PeerRecord ReadPlace(ref Reader reader, string id)
    {
        var flags = reader.Byte();
        var place = new PeerRecord(
            id,
            (flags & IsRoot) != 0,
            UplinkMbps: reader.Float(),
            LatencyMs: reader.Float(),
            Slots: (int)reader.Number(),
            ParentId: reader.Text(),
            StandbyId: reader.Text(),
            Version: reader.Number(),
            Reason: Reasons.NameOf(reader.Byte()),
            AssignedAtMs: reader.Number(),
            DegradedUntilMs: 0,
            Strikes: 0,
            WaitingSince: 0,
            WaitsAsOrphan: (flags & WaitsAsOrphan) != 0,
            RidesFree: (flags & RidesFree) != 0);
        if ((flags & HasHistory) != 0)
        {
            place = place with
            {
                DegradedUntilMs = reader.Number(),
                Strikes = (int)reader.Number(),
                WaitingSince = reader.Number(),
                Evictions = Evictions(ref reader),
            };
        }

        return (flags & HasRegion) != 0 ? place with { Region = reader.Text() } : place;
    }

    private static EvictionRecords? Evictions(ref Reader reader)
    {
        var count = reader.Number();
        if (count == 0)
            return null;
        if (count is < 0 or > byte.MaxValue)
            throw new InvalidDataException($"the record says {count} evictions");
        var evictions = new EvictionRecord[count];
        for (var at = 0; at < evictions.Length; at++)
            evictions[at] = new EvictionRecord(reader.Id(), reader.Number());
        return new EvictionRecords(evictions);
    }

    private static Reader Open(byte[] bytes)
    {
        var reader = new Reader(bytes);
        return reader.Byte() is var version && version == Version
            ? reader
            : throw new InvalidDataException($"the record has version {version}; this process reads {Version}");
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _left = bytes;

        public readonly bool IsAtEnd => _left.IsEmpty;

        public byte Byte() => Take(1)[0];

        public double Float() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

        public long Number()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                var next = Byte();
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                    return (long)(value >> 1) ^ -(long)(value & 1);
            }

            throw new InvalidDataException("the record has a number without an end");
        }

        public long? Optional() => Byte() == 0 ? null : Number();

        public string? Text() => Byte() switch
        {
            0 => null,
            RecordWriter.UuidTag => new Guid(Take(16)).ToString(),
            var length => Encoding.UTF8.GetString(Take(length - 1)),
        };

        public string Id() => Text() ?? throw new InvalidDataException("the record lacks a text");

        public string LongText()
        {
            var length = Number();
            return Encoding.UTF8.GetString(Take(length is >= 0 and <= int.MaxValue ? (int)length : int.MaxValue));
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            if (length > _left.Length)
                throw new InvalidDataException("the record ends amid an entry");
            var taken = _left[..length];
            _left = _left[length..];
            return taken;
        }
    }
}
