using System.Diagnostics;
using System.Globalization;
using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>The server under measurement: child processes of this one, or one that runs elsewhere; and what it has used.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly IBeacon? _own;
    private readonly Stores? _stores;

    private Server(IBeacon? own, Stores? stores, Uri http, IReadOnlyList<int> pids, string operatorKey)
    {
        _own = own;
        _stores = stores;
        Pids = pids;
        Http = http;
        OperatorKey = operatorKey;
    }

    public Uri Http { get; }

    public string OperatorKey { get; }

    /// <summary>Its processes, those of the stores not included; none of a server elsewhere that nobody has named.</summary>
    public IReadOnlyList<int> Pids { get; }

    /// <summary>Of a cluster the time of each service, all its replicas together; nothing of a single process.</summary>
    public IReadOnlyList<(string Service, TimeSpan ProcessorTime)> ProcessorTimes => _own is not { Services.Count: > 1 } own
        ? []
        : [.. own.Services.GroupBy(service => service.Key.Split('-')[0], service => ProcessorTimeOf(service.Value.Id)).Select(times => (times.Key, times.Aggregate(TimeSpan.Zero, (sum, time) => sum + time)))];

    /// <summary>False for a server elsewhere: then there is nothing to say about its processor time and memory.</summary>
    public bool IsObserved => Pids.Count > 0;

    /// <summary>User and system time of the server so far, all its processes together; zero when it is not observed.</summary>
    public TimeSpan ProcessorTime => Pids.Aggregate(TimeSpan.Zero, (sum, pid) => sum + ProcessorTimeOf(pid));

    /// <summary>Resident memory in KiB, zero when it is not observed.</summary>
    public long ResidentKib => Pids.Sum(ResidentKibOf);

    /// <summary>What the child processes logged as errors.</summary>
    public int ErrorsLogged => _own?.Services.Values.Sum(service => ConsoleLog.Failures(service.Output).Count) ?? 0;

    public static Server Elsewhere(Uri http, int? pid, string operatorKey) => new(null, null, http, pid is { } known ? [known] : [], operatorKey);

    /// <summary>Starts <c>Beacon.Server</c> with the limits lifted that one machine full of viewers would run into.</summary>
    public static Task<Server> StartAsync(IReadOnlyDictionary<string, string> settings) => StartAsync(new BeaconServer(settings), null);

    /// <summary>Starts the four services as processes over a real Redis and RabbitMQ, whose time is not counted.</summary>
    public static async Task<Server> StartClusterAsync(IReadOnlyDictionary<string, string> settings, int replicas)
    {
        var (stores, missing) = await Stores.StartAsync();
        return stores is null ? throw new InvalidOperationException(missing) : await StartAsync(new BeaconCluster(stores, settings, replicas), stores);
    }

    public static TimeSpan ProcessorTimeOf(int pid)
    {
        using var process = Process.GetProcessById(pid);
        return process.TotalProcessorTime;
    }

    public static long ResidentKibOf(int pid)
    {
        var line = File.ReadLines($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (_own is not null)
            await _own.DisposeAsync();
        if (_stores is not null)
            await _stores.DisposeAsync();
    }

    private static async Task<Server> StartAsync(IBeacon own, Stores? stores)
    {
        await own.StartAsync();
        return new Server(own, stores, own.Http, [.. own.Services.Values.Select(service => service.Id)], BeaconServer.OperatorKey);
    }
}
