using System.Net;
using System.Net.Sockets;

namespace Beacon.Signaling.Sessions;

/// <summary>The block that an address belongs to: what one household or one rack shares (IPv4 /24, IPv6 /48).</summary>
internal static class AddressBlock
{
    public static string Of(IPAddress? address)
    {
        if (address is null)
            return "";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        var (kept, suffix) = address.AddressFamily == AddressFamily.InterNetwork ? (3, "/24") : (6, "/48");
        bytes.AsSpan(kept).Clear();
        return new IPAddress(bytes) + suffix;
    }
}
