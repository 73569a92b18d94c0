using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography;

namespace Beacon.Testing;

/// <summary>Where the built projects are.</summary>
public static class Repository
{
    private const int LowestPort = 10_000;
    private static readonly ConcurrentDictionary<int, byte> Given = new();
    private static readonly Lazy<int> EphemeralPorts = new(() =>
        File.Exists("/proc/sys/net/ipv4/ip_local_port_range")
            ? int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0], CultureInfo.InvariantCulture)
            : 32_768);

    public static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>The assembly that a project builds, in the configuration that the tests were built in.</summary>
    public static string AssemblyOf(string projectFolder, string assemblyName) =>
        Path.Combine(Root, projectFolder, "bin", Metadata("Configuration"), "net10.0", $"{assemblyName}.dll");

    /// <summary>
    /// Ports that are free now, all different, and never given again in this process. They are below those that the system gives to outgoing
    /// connections, so that nobody takes one while its process is down.
    /// </summary>
    public static int[] FreePorts(int count)
    {
        var ports = new int[count];
        for (var found = 0; found < count;)
        {
            var port = RandomNumberGenerator.GetInt32(LowestPort, EphemeralPorts.Value);
            if (!Given.TryAdd(port, 0))
                continue;
            using var probe = new TcpListener(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                ports[found++] = port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }

        return ports;
    }

    private static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
