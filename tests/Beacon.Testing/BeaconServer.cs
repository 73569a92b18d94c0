using System.Globalization;

namespace Beacon.Testing;

/// <summary>A real <c>Beacon.Server</c> on free ports, with a data directory of its own that lives as long as this object.</summary>
public sealed class BeaconServer : IAsyncDisposable
{
    private readonly int[] _ports = Repository.FreePorts(4);
    private readonly Dictionary<string, string> _environment;
    private DotnetProcess? _process;

    /// <param name="settings">Configuration keys (<c>Beacon:…</c>) on top of the defaults.</param>
    public BeaconServer(IReadOnlyDictionary<string, string>? settings = null)
    {
        DataDirectory = Directory.CreateTempSubdirectory("beacon-test-").FullName;
        var configured = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Beacon:DataDirectory"] = DataDirectory,
            ["Beacon:Endpoints:HttpPort"] = Text(_ports[0]),
            ["Beacon:Endpoints:GrpcPort"] = Text(_ports[1]),
            ["Beacon:Topology:SiloPort"] = Text(_ports[2]),
            ["Beacon:Topology:GatewayPort"] = Text(_ports[3]),
            // All test clients share one address and one machine.
            ["Beacon:Topology:ExcludeSameAddressBlock"] = "false",
            ["Beacon:Ledger:RelayProbationWindows"] = "0",
            ["Beacon:Signaling:OperatorKey"] = OperatorKey,
            ["Beacon:Signaling:HandshakeBurstPerAddress"] = "10000",
            ["Beacon:Signaling:GuestBurstPerAddress"] = "10000",
            ["Beacon:Signaling:CallBurstPerAccount"] = "10000",
            ["Beacon:Signaling:CallBurstPerAddress"] = "10000",
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>(StringComparer.Ordinal))
            configured[key] = value;
        _environment = configured.ToDictionary(pair => pair.Key.Replace(":", "__", StringComparison.Ordinal), pair => pair.Value, StringComparer.Ordinal);

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    public static string OperatorKey => "an operator key for the tests";

    public string DataDirectory { get; }

    public Uri Http => new($"http://127.0.0.1:{_ports[0]}");

    public Uri WebSocket => new($"ws://127.0.0.1:{_ports[0]}/ws");

    public Uri Grpc => new($"http://127.0.0.1:{_ports[1]}");

    public DotnetProcess Process => _process ?? throw new InvalidOperationException("The server is not started.");

    public async Task StartAsync()
    {
        var assembly = Repository.AssemblyOf("Beacon.Server", "Beacon.Server");
        _process = new DotnetProcess(assembly, Path.Combine(Repository.Root, "Beacon.Server"), _environment);
        await _process.WaitForOutputAsync("Beacon is live", TimeSpan.FromSeconds(90));
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }
}
