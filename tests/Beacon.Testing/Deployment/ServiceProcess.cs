using System.Globalization;
using System.Net;

namespace Beacon.Testing;

/// <summary>A host of this repository as a process of the operating system, as it is deployed; it can be lost and started again.</summary>
public sealed class ServiceProcess : IPart
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly string _assembly;
    private readonly string _directory;
    private readonly List<DotnetProcess> _lives = [];

    /// <param name="folder">The host's folder in the repository.</param>
    /// <param name="directory">Where it works: its content root.</param>
    public ServiceProcess(string folder, string assembly, string directory)
    {
        _assembly = Repository.AssemblyOf(folder, assembly);
        _directory = directory;
        var ports = Ports.Free(4);
        Http = new IPEndPoint(IPAddress.Loopback, ports[0]);
        Grpc = new IPEndPoint(IPAddress.Loopback, ports[1]);
        Settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Beacon:Endpoints:HttpPort"] = Text(ports[0]),
            ["Beacon:Endpoints:GrpcPort"] = Text(ports[1]),
            ["Beacon:Topology:SiloPort"] = Text(ports[2]),
            ["Beacon:Topology:GatewayPort"] = Text(ports[3]),
            // All clients of a test share one address and one machine.
            ["Beacon:Topology:ExcludeSameAddressBlock"] = "false",
            ["Beacon:Ledger:RelayProbationWindows"] = "0",
            ["Beacon:Signaling:OperatorKey"] = BeaconServer.OperatorKey,
            ["Beacon:Signaling:HandshakeBurstPerAddress"] = "10000",
            ["Beacon:Signaling:GuestBurstPerAddress"] = "10000",
            ["Beacon:Signaling:CallBurstPerAccount"] = "10000",
            ["Beacon:Signaling:CallBurstPerAddress"] = "10000",
        };

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Configuration keys, as <c>Beacon:…</c>, with which it is started the next time.</summary>
    public IDictionary<string, string> Settings { get; }

    /// <summary>Where it listens itself, whatever stands before it.</summary>
    public IPEndPoint Http { get; }

    /// <summary>As <see cref="Http"/>.</summary>
    public IPEndPoint Grpc { get; }

    /// <summary>What it wrote in all its lives.</summary>
    public string Output => string.Concat(_lives.Select(life => life.Output));

    public int Id => Life.Id;

    /// <summary>It was killed, or ended by itself.</summary>
    public bool HasExited => Life.HasExited;

    private DotnetProcess Life => _lives is [.., var last] ? last : throw new InvalidOperationException("It was never started.");

    public async Task StartAsync()
    {
        var environment = Settings.ToDictionary(pair => pair.Key.Replace(":", "__", StringComparison.Ordinal), pair => pair.Value, StringComparer.Ordinal);
        _lives.Add(new DotnetProcess(_assembly, _directory, environment));
        await ReadyAsync();
    }

    /// <summary>SIGTERM, as an operator's stop; its exit code.</summary>
    public Task<int> StopAsync() => Life.StopAsync();

    public Task KillAsync() => Life.KillAsync();

    public Task PauseAsync() => Life.PauseAsync();

    public Task ContinueAsync() => Life.ContinueAsync();

    /// <summary>Waits until <c>/health</c> says that it can do its work.</summary>
    public async Task ReadyAsync()
    {
        var life = Life;
        var began = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await IsReadyAsync(CancellationToken.None))
        {
            if (life.HasExited || TimeProvider.System.GetElapsedTime(began) > Patience)
                throw new InvalidOperationException($"{Path.GetFileNameWithoutExtension(_assembly)} {(life.HasExited ? "ended" : $"was not ready within {Patience}")}:\n{life.Output}");
            await tick.WaitForNextTickAsync();
        }
    }

    /// <summary>Whether a balancer would send anybody there.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Client.GetAsync(new Uri($"http://{Http}/health"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var life in _lives)
            await life.DisposeAsync();
    }
}
