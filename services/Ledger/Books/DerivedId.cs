using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Ledger.Books;

/// <summary>
/// Ids that follow from what they stand for, so that the same fact always has the same id. UUIDs of version 8 (RFC 9562):
/// the first 122 free bits of a SHA-256. Callers may not use that version for ids of their own, or somebody could take the
/// id of another's pay before it is due.
/// </summary>
public static class DerivedId
{
    private const int Version = 8;
    private const int OnStack = 512;

    /// <summary>The id of these parts. Each part is preceded by its length, so that no two lists of parts read the same.</summary>
    public static Guid Of(params ReadOnlySpan<string> parts)
    {
        var length = 0;
        foreach (var part in parts)
            length += sizeof(int) + Encoding.UTF8.GetByteCount(part);
        // In one piece: to build the hash step by step costs more than the hash.
        var rented = length > OnStack ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> source = rented ?? stackalloc byte[OnStack];
        var used = 0;
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part, source[(used + sizeof(int))..]);
            BinaryPrimitives.WriteInt32BigEndian(source[used..], bytes);
            used += sizeof(int) + bytes;
        }

        var id = OfBytes(source[..used]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return id;
    }

    /// <summary>The id of one leg of a batch.</summary>
    public static Guid Leg(Guid batchId, int leg)
    {
        // Binary, not text: a settlement makes a hundred thousand of these.
        Span<byte> source = stackalloc byte[20];
        batchId.TryWriteBytes(source, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(source[16..], leg);
        return OfBytes(source);
    }

    /// <summary>True for ids that only the ledger may make.</summary>
    public static bool IsDerived(Guid id) => id.Version == Version;

    private static Guid OfBytes(ReadOnlySpan<byte> source)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(source, digest);
        digest[6] = (byte)((digest[6] & 0x0F) | (Version << 4));
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }
}
