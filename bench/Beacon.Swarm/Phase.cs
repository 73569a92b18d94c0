using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Beacon.Swarm;

/// <summary>
/// One measured phase: rate, latency, and what the server spent. Its processor time is taken once the server has come to rest, so
/// that work that it put off counts too.
/// </summary>
internal sealed class Phase
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private readonly Server _server;
    private readonly TimeSpan _spentBefore;
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private readonly IReadOnlyList<(string Service, TimeSpan ProcessorTime)> _partsBefore;
    private readonly double _idleShare;

    private Phase(Server server, int operations, double idleShare)
    {
        _server = server;
        _partsBefore = server.ProcessorTimes;
        _idleShare = idleShare;
        _spentBefore = server.ProcessorTime;
        Timings = new Timings(operations);
    }

    public Timings Timings { get; }

    /// <param name="idleShare">Of one core, what the server spends when nothing is asked of it: see <see cref="IdleShareAsync"/>.</param>
    public static Phase Begin(Server server, int operations, double idleShare = 0) => new(server, operations, idleShare);

    /// <summary>
    /// Writes <c>NAME_rate_per_s</c>, <c>NAME_p50_ms</c>, <c>NAME_p99_ms</c>, <c>NAME_server_cpu_us</c>, and <c>NAME_added_cpu_us</c>: the same without
    /// what the server would have spent in that time anyway, which grows with its processes and not with what is asked of them. Of a cluster also
    /// <c>NAME_SERVICE_cpu_us</c>, which has that in it.
    /// </summary>
    public async Task EndAsync(JsonObject report, string name, int operations)
    {
        var elapsed = Stopwatch.GetElapsedTime(_startedAt);
        report[$"{name}_ops"] = operations;
        report[$"{name}_rate_per_s"] = Math.Round(operations / elapsed.TotalSeconds);
        report[$"{name}_p50_ms"] = Math.Round(Timings.PercentileMs(0.50), 2);
        report[$"{name}_p99_ms"] = Math.Round(Timings.PercentileMs(0.99), 2);
        if (!_server.IsObserved)
            return;
        await RestAsync(_server);
        var spent = _server.ProcessorTime - _spentBefore;
        report[$"{name}_server_cpu_us"] = Math.Round(spent.TotalMicroseconds / operations, 1);
        foreach (var (before, after) in _partsBefore.Zip(_server.ProcessorTimes))
            report[$"{name}_{after.Service}_cpu_us"] = Math.Round((after.ProcessorTime - before.ProcessorTime).TotalMicroseconds / operations, 1);
        report[$"{name}_added_cpu_us"] = Math.Round((spent - (_idleShare * Stopwatch.GetElapsedTime(_startedAt))).TotalMicroseconds / operations, 1);
    }

    /// <summary>Watches a server of which nothing is asked, for three seconds.</summary>
    public static async Task<double> IdleShareAsync(Server server)
    {
        using var wait = new PeriodicTimer(TimeSpan.FromSeconds(3));
        var (startedAt, spent) = (Stopwatch.GetTimestamp(), server.ProcessorTime);
        await wait.WaitForNextTickAsync();
        return (server.ProcessorTime - spent) / Stopwatch.GetElapsedTime(startedAt);
    }

    /// <summary>Waits until the server spends less than a tenth of a core, at most two seconds.</summary>
    public static async Task RestAsync(Server server)
    {
        using var tick = new PeriodicTimer(Glance);
        var spent = server.ProcessorTime;
        for (var glances = 0; glances < 40; glances++)
        {
            await tick.WaitForNextTickAsync();
            var now = server.ProcessorTime;
            if (now - spent < Glance / 10)
                return;
            spent = now;
        }
    }
}
