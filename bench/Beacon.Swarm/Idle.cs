using System.CommandLine;
using System.Text.Json.Nodes;
using Beacon.Swarm.Wire;

namespace Beacon.Swarm;

/// <summary>Connections that do nothing: their memory must stay what it is.</summary>
internal static class Idle
{
    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(5);

    private static readonly Option<int> Connections = Beacon.Benchmarks.Verb.Number("--connections", 5_000, 1, 15_000, "Idle connections.");
    private static readonly Option<int> Minutes = Beacon.Benchmarks.Verb.Number("--minutes", 10, 1, 14, "How long; no longer than an access token is good.");

    public static Command Command() => Beacon.Benchmarks.Verb.Create("idle", "Memory of idle connections over time, on a server of its own.", [Connections, Minutes], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        await using var server = await Server.StartAsync(Live.SelfHostSettings);
        using var crowd = new Crowd(server);
        var count = asked.GetValue(Connections);
        var guests = await crowd.GuestsAsync(count);
        await Phase.RestAsync(server);
        var residentBefore = server.ResidentKib;
        var peers = guests.Select(guest => new Peer(guest)).ToArray();
        await Crowd.ForAllAsync(count, 256, index => peers[index].ConnectAsync(crowd.Endpoint));
        await Phase.RestAsync(server);

        var samples = new List<long>();
        var spentBefore = server.ProcessorTime;
        using var tick = new PeriodicTimer(SampleInterval);
        for (var left = asked.GetValue(Minutes) * 60 / (int)SampleInterval.TotalSeconds; left > 0; left--)
        {
            await tick.WaitForNextTickAsync(cancellation);
            samples.Add(server.ResidentKib);
        }

        var quarter = Math.Max(1, samples.Count / 4);
        var (first, last) = (samples.Take(quarter).Average(), samples.TakeLast(quarter).Average());
        var closed = peers.Count(peer => peer.IsClosed);
        foreach (var peer in peers)
            peer.Dispose();
        return new JsonObject
        {
            ["connections"] = count,
            ["minutes"] = asked.GetValue(Minutes),
            ["closed"] = closed,
            ["rss_kib_per_connection"] = Math.Round((last - residentBefore) / count, 1),
            ["rss_kib_first_quarter"] = Math.Round(first),
            ["rss_kib_last_quarter"] = Math.Round(last),
            ["rss_growth_percent"] = Math.Round(100 * (last - first) / first, 2),
            ["server_cpu_percent"] = Math.Round(100 * (server.ProcessorTime - spentBefore).TotalSeconds / (asked.GetValue(Minutes) * 60), 2),
        };
    }
}
