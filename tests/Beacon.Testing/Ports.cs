using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Beacon.Testing;

/// <summary>
/// Ports that are free now, all different, and never given again in this process. They are below those that the system gives to outgoing
/// connections, so that nobody takes one before its server listens or while its process is down.
/// </summary>
public static class Ports
{
    private const int Lowest = 10_000;
    private static readonly ConcurrentDictionary<int, byte> Given = new();
    private static readonly Lazy<int> Ephemeral = new(() =>
        File.Exists("/proc/sys/net/ipv4/ip_local_port_range")
            ? int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0], CultureInfo.InvariantCulture)
            : 32_768);

    public static int[] Free(int count) => [.. Enumerable.Range(0, count).Select(_ => Free())];

    public static int Free()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(Lowest, Ephemeral.Value);
            if (!Given.TryAdd(port, 0))
                continue;
            using var probe = new TcpListener(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }
}
