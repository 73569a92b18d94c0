using System.CommandLine;
using System.Text.Json.Nodes;

namespace Beacon.Benchmarks;

/// <summary>Joins of an audience through the owners of its streams, each journalled before it is answered.</summary>
internal static class TopologyVerb
{
    public static Command Create()
    {
        var seconds = Verb.Number("--seconds", 10, 1, 600, "How long each figure is measured.");
        var warmUp = Verb.Number("--warm-up", 12, 0, 600, "Seconds of processor time before the first figure of each store: the compiler's.");
        var peers = Verb.Number("--peers", 100_000, 1_000, 1_000_000, "Size to which a hot stream grows until the next one begins.");
        var callers = Verb.Number("--callers", 4_096, 1, 65_536, "Joins that wait for their answer at any moment.");
        var seed = Verb.Number("--seed", 7, 0, int.MaxValue, "Of the audience.");
        return Verb.Create("topology", "Journalled joins through a grain, on Redis and on Garnet.", [seconds, warmUp, peers, callers, seed], async (parsed, log, cancellationToken) =>
        {
            var load = new JoinLoad(parsed.GetValue(seed), parsed.GetValue(peers), parsed.GetValue(callers), parsed.GetValue(seconds), parsed.GetValue(warmUp));
            var report = new JsonObject();
            await using (var redis = await MeasuredStore.TryStartRedisAsync())
            {
                if (redis is null)
                    await log.WriteLineAsync("redis-server is not installed: only Garnet is measured.");
                else
                    report["redis"] = await load.RunAsync(redis, log, cancellationToken);
            }

            await using (var garnet = MeasuredStore.StartGarnet())
                report["garnet"] = await load.RunAsync(garnet, log, cancellationToken);
            report["seed"] = load.Seed;
            return report;
        });
    }
}
