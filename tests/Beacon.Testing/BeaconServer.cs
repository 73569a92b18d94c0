namespace Beacon.Testing;

/// <summary>A real <c>Beacon.Server</c> on free ports, with a data directory of its own that lives as long as this object.</summary>
public sealed class BeaconServer : IBeacon
{
    /// <param name="settings">Configuration keys (<c>Beacon:…</c>) on top of the defaults.</param>
    public BeaconServer(IReadOnlyDictionary<string, string>? settings = null)
    {
        DataDirectory = Directory.CreateTempSubdirectory("beacon-test-").FullName;
        Process = new ServiceProcess("Beacon.Server", "Beacon.Server", Path.Combine(Repository.Root, "Beacon.Server"));
        Process.Settings["Beacon:DataDirectory"] = DataDirectory;
        foreach (var (key, value) in settings ?? new Dictionary<string, string>(StringComparer.Ordinal))
            Process.Settings[key] = value;
        Services = new Dictionary<string, ServiceProcess>(StringComparer.Ordinal) { ["server"] = Process };
    }

    public static string OperatorKey => "an operator key for the tests";

    public string DataDirectory { get; }

    public Uri Http => new($"http://{Process.Http}");

    public Uri WebSocket => new($"ws://{Process.Http}/ws");

    public Uri Grpc => new($"http://{Process.Grpc}");

    public Uri GrpcOf(string service) => Grpc;

    public ServiceProcess Process { get; }

    public IReadOnlyDictionary<string, ServiceProcess> Services { get; }

    public Task StartAsync() => Process.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }
}
