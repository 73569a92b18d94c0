using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>Something that befalls a cluster, and its end.</summary>
/// <param name="Outage">How long it lasts.</param>
internal sealed record Fault(string Name, TimeSpan Outage, Func<Task> BeginAsync, Func<Task> EndAsync)
{
    private static readonly string[] Services = ["signaling", "topology", "ledger", "raids"];

    /// <summary>Every part killed and paused, one replica of those that have several, and every pair that talks parted.</summary>
    /// <param name="storeOutage">For Redis and RabbitMQ themselves.</param>
    public static IReadOnlyList<Fault> All(BeaconCluster cluster, Stores stores, TimeSpan outage, TimeSpan storeOutage)
    {
        var faults = new List<Fault>();
        foreach (var (name, part) in Services.Select(name => (name, (IPart)One(cluster, name))).Append(("redis", stores.Redis)).Append(("bus", stores.Broker)))
        {
            var lasts = name is "redis" or "bus" ? storeOutage : outage;
            faults.Add(new Fault($"kill-{name}", lasts, part.KillAsync, part.StartAsync));
            faults.Add(new Fault($"pause-{name}", lasts, part.PauseAsync, part.ContinueAsync));
        }

        foreach (var (caller, called) in Services.SelectMany(caller => Services.Append("redis").Append("bus").Select(called => (caller, called))).Append(("outside", "signaling")))
        {
            var links = cluster.Links(caller, called).ToList();
            if (links.Count > 0)
                faults.Add(new Fault($"cut-{caller}-{called}", outage, () => Each(links, link => link.Cut()), () => Each(links, link => link.Mend())));
        }

        return faults;
    }

    /// <summary>The only one of its kind, or the first.</summary>
    private static ServiceProcess One(BeaconCluster cluster, string name) => cluster.Services.TryGetValue(name, out var only) ? only : cluster.Services[$"{name}-1"];

    private static Task Each(List<Link> links, Action<Link> act)
    {
        foreach (var link in links)
            act(link);
        return Task.CompletedTask;
    }
}
