using System.Diagnostics;
using System.Globalization;
using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>The server under measurement: a child process of this one, or one that runs elsewhere; and what it has used.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly BeaconServer? _own;
    private readonly int? _pid;

    private Server(BeaconServer? own, Uri http, int? pid, string operatorKey)
    {
        _own = own;
        _pid = pid;
        Http = http;
        OperatorKey = operatorKey;
    }

    public Uri Http { get; }

    public string OperatorKey { get; }

    /// <summary>False for a server elsewhere: then there is nothing to say about its processor time and memory.</summary>
    public bool IsObserved => _pid is not null;

    /// <summary>User and system time of the server so far; zero when it is not observed.</summary>
    public TimeSpan ProcessorTime => _pid is { } pid ? ProcessorTimeOf(pid) : TimeSpan.Zero;

    /// <summary>Resident memory in KiB, zero when it is not observed.</summary>
    public long ResidentKib => _pid is { } pid ? ResidentKibOf(pid) : 0;

    /// <summary>Lines that the child process logged as errors.</summary>
    public int ErrorsLogged => _own?.Process.Output.Split('\n').Count(line => line.StartsWith("fail:", StringComparison.Ordinal) || line.StartsWith("crit:", StringComparison.Ordinal)) ?? 0;

    public static Server Elsewhere(Uri http, int? pid, string operatorKey) => new(null, http, pid, operatorKey);

    /// <summary>Starts <c>Beacon.Server</c> with the limits lifted that one machine full of viewers would run into.</summary>
    public static async Task<Server> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var own = new BeaconServer(settings);
        await own.StartAsync();
        return new Server(own, own.Http, own.Process.Id, BeaconServer.OperatorKey);
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
    }
}
