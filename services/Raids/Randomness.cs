using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Beacon.Raids;

/// <summary>64 uniformly distributed bits a call. Tests put a seeded one in its place.</summary>
public delegate ulong Randomness();

/// <summary>The source of a running service: nobody can foresee where the next audience goes.</summary>
internal static class CryptographicRandomness
{
    public static ulong Next()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
