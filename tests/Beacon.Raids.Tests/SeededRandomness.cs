namespace Beacon.Raids.Tests;

/// <summary>64 bits a call from a seed that the test prints.</summary>
internal sealed class SeededRandomness(int seed)
{
    private readonly Random _random = new(seed);

    public ulong Next()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        _random.NextBytes(bytes);
        return BitConverter.ToUInt64(bytes);
    }
}
