using System.Text.Json.Nodes;

namespace Beacon.Simulator;

/// <summary>
/// An audience of a steady size: who leaves does so without a word, and others come. It begins in its steady state, runs for a
/// quarter of an hour so that relays are proved, and is measured from then on.
/// </summary>
internal static class Churn
{
    private const long WarmUpMs = 15 * 60_000;
    private const long SampleMs = 1_000;

    public static JsonObject Run(Arguments options, TextWriter log)
    {
        var report = Run(new Engine(options.Peers, options.Stripes), options.Peers, options.Minutes, options.Seed, log);
        report["seed"] = options.Seed;
        return report;
    }

    public static JsonObject Run(IPolicy policy, int peers, int minutes, int seed, TextWriter log)
    {
        var workload = new Workload(seed);
        var departures = new PriorityQueue<string, double>();
        var endMs = WarmUpMs + (minutes * 60_000L);
        var figures = new Figures(policy);
        for (var i = 0; i < peers; i++)
            Arrive(0, workload.ResidualMs());
        var arrivalMs = workload.GapMs(peers);
        var sampleMs = 0L;
        var before = 0.0;
        while (true)
        {
            var departureMs = departures.TryPeek(out _, out var at) ? at : double.MaxValue;
            var nextMs = Math.Min(sampleMs, Math.Min(arrivalMs, departureMs));
            if (nextMs > endMs)
                break;
            if (before >= WarmUpMs)
                figures.Pass(nextMs - before, departures.Count);
            before = nextMs;
            var nowMs = (long)nextMs;
            // A sample before anything else of its moment.
            if (nextMs == sampleMs)
            {
                policy.Advance(nowMs);
                if (sampleMs >= WarmUpMs)
                    figures.Sample();
                sampleMs += SampleMs;
            }
            else if (nextMs == arrivalMs)
            {
                Arrive(nextMs, workload.SessionMs());
                arrivalMs += workload.GapMs(peers);
            }
            else
            {
                var loss = policy.Leave(departures.Dequeue(), nowMs);
                if (nextMs >= WarmUpMs)
                    figures.Lost(loss);
            }

            var moves = policy.TakeMoves();
            if (nextMs >= WarmUpMs)
                figures.Moved(moves);
        }

        log.WriteLine($"{departures.Count} viewers at the end, {figures.Departures} departures, {figures.Orphans} orphans, seed {seed}");
        log.WriteLine(policy.ToString());
        return figures.ToJson();

        void Arrive(double nowMs, double sessionMs)
        {
            var viewer = workload.Next();
            policy.Join(viewer, (long)nowMs);
            departures.Enqueue(viewer.Id, nowMs + sessionMs);
        }
    }
}
