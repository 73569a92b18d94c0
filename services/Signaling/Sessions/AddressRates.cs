using System.Net;
using System.Net.Sockets;

namespace Beacon.Signaling.Sessions;

/// <summary>A rate for each client address (IPv6: for each /64, which one client has to itself).</summary>
internal sealed class AddressRates(double perSecond, int burst, int maxAddresses, TimeProvider clock)
{
    private readonly KeyedRates<UInt128> _rates = new(perSecond, burst, maxAddresses, clock);

    public int Count => _rates.Count;

    public bool TryTake(IPAddress? address) => Take(address).IsTaken;

    public RateReading Take(IPAddress? address) => _rates.Take(KeyOf(address));

    /// <summary>Forgets addresses that have their whole burst again.</summary>
    public void Sweep() => _rates.Sweep();

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
