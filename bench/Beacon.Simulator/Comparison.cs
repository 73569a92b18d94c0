using System.Text.Json.Nodes;

namespace Beacon.Simulator;

/// <summary>One trace through several policies.</summary>
internal static class Comparison
{
    public static JsonObject Run(Arguments options, TextWriter log)
    {
        var policies = new JsonObject();
        foreach (var (name, policy) in new (string, IPolicy)[]
        {
            ("seed", new PlainTree(options.Peers, new ByScore())),
            ("random", new PlainTree(options.Peers, new AtRandom(options.Seed))),
            ("minimum_depth", new PlainTree(options.Peers, new Shallowest())),
            ("beacon", new Engine(options.Peers)),
        })
        {
            log.Write(name + ": ");
            policies[name] = Churn.Run(policy, options.Peers, options.Minutes, options.Seed, log);
        }

        return new JsonObject { ["peers"] = options.Peers, ["minutes"] = options.Minutes, ["seed"] = options.Seed, ["policies"] = policies };
    }
}
