using System.Security.Cryptography;

namespace Beacon.Testing;

/// <summary>
/// Beacon as operators run it: each service in processes of its own, over a real Redis and a real RabbitMQ. Whoever calls another kind of part
/// does so over a <see cref="Link"/> of the two, which deals connections to the replicas that are ready.
/// </summary>
public sealed class BeaconCluster : IBeacon
{
    private static readonly TimeSpan HealthInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Who needs what. Users' tokens are checked with the keys of Signaling.</summary>
    private static readonly Dictionary<string, string[]> Needs = new(StringComparer.Ordinal)
    {
        ["signaling"] = ["redis", "bus", "topology", "ledger", "raids"],
        ["topology"] = ["redis", "bus", "signaling"],
        ["ledger"] = ["bus", "signaling", "topology"],
        ["raids"] = ["redis", "bus", "signaling", "topology", "ledger"],
    };

    private readonly Dictionary<string, ServiceProcess> _services = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Replica[]> _replicas = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Link> _links = new(StringComparer.Ordinal);
    private readonly Stores _stores;
    private readonly CancellationTokenSource _stop = new();
    private Task _watching = Task.CompletedTask;

    /// <param name="stores">Started; they stay the caller's.</param>
    /// <param name="settings">Configuration keys (<c>Beacon:…</c>) for all services, on top of the defaults.</param>
    /// <param name="replicas">Of Signaling, Topology and Raids; there is one Ledger.</param>
    public BeaconCluster(Stores stores, IReadOnlyDictionary<string, string>? settings = null, int replicas = 2)
    {
        _stores = stores;
        DataDirectory = Directory.CreateTempSubdirectory("beacon-test-").FullName;
        foreach (var name in Needs.Keys)
        {
            var assembly = string.Concat(name[..1].ToUpperInvariant(), name.AsSpan(1));
            _replicas[name] = [.. Enumerable.Range(0, name == "ledger" ? 1 : replicas).Select(_ => new Replica(new ServiceProcess($"services/{assembly}", $"Beacon.{assembly}", DataDirectory)))];
            for (var index = 0; index < _replicas[name].Length; index++)
                _services[name == "ledger" ? name : $"{name}-{index + 1}"] = _replicas[name][index].Process;
        }

        var common = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Beacon:DataDirectory"] = DataDirectory,
            ["Beacon:Auth:ServiceKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48)),
            ["Beacon:Topology:Clustering"] = "Redis",
            // The stores may have served another cluster.
            ["Beacon:Topology:ClusterId"] = $"cluster-{Guid.CreateVersion7()}",
        };
        foreach (var (name, replicasOfIt) in _replicas)
        {
            var own = Needs[name].SelectMany(need => Reach(name, need)).ToList();
            foreach (var process in replicasOfIt.Select(replica => replica.Process))
            {
                foreach (var (key, value) in common.Concat(own).Concat(settings ?? new Dictionary<string, string>(StringComparer.Ordinal)))
                    process.Settings[key] = value;
            }
        }

        for (var index = 0; index < _replicas["topology"].Length; index++)
        {
            var replica = _replicas["topology"][index];
            var direct = _links[$"signaling topology grpc-{index + 1}"] = new Link(replica.Grpc);
            replica.Process.Settings["Beacon:Topology:GrpcAddress"] = $"http://{direct.Address}";
        }

        Http = new Uri($"http://{LinkTo("outside", "signaling", "http").Address}");
        foreach (var name in Needs.Keys)
            LinkTo("outside", name, "grpc");
    }

    public Uri Http { get; }

    public Uri WebSocket => new($"ws://{Http.Authority}/ws");

    public Uri Grpc => GrpcOf("signaling");

    public string DataDirectory { get; }

    public IReadOnlyDictionary<string, ServiceProcess> Services => _services;

    private IEnumerable<Replica> All => _replicas.Values.SelectMany(replicas => replicas);

    public Uri GrpcOf(string service) => new($"http://{_links[$"outside {service} grpc"].Address}");

    /// <summary>All connections of one kind of part to another; <paramref name="to"/> may be <c>redis</c> or <c>bus</c>, and <paramref name="from"/> may be <c>outside</c>.</summary>
    public IEnumerable<Link> Links(string from, string to) =>
        _links.Where(link => link.Key.StartsWith($"{from} {to} ", StringComparison.Ordinal)).Select(link => link.Value);

    public async Task StartAsync()
    {
        // In no order: that is a promise too.
        await Task.WhenAll(_services.Values.Select(service => service.StartAsync()));
        await Task.WhenAll(All.Select(replica => replica.LookAsync(_stop.Token)));
        if (_watching.IsCompleted)
            _watching = WatchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        foreach (var service in _services.Values)
            await service.DisposeAsync();
        foreach (var link in _links.Values)
            await link.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(DataDirectory, recursive: true);
    }

    /// <summary>The settings by which a service finds what it needs.</summary>
    private IEnumerable<KeyValuePair<string, string>> Reach(string from, string need)
    {
        switch (need)
        {
            case "redis":
                yield return new("ConnectionStrings:redis", $"{LinkTo(from, need, "").Address}");
                break;
            case "bus":
                yield return new("ConnectionStrings:bus", $"amqp://{_stores.Login}@{LinkTo(from, need, "").Address}");
                break;
            case "signaling":
                yield return new("Beacon:Auth:Authority", $"http://{LinkTo(from, need, "http").Address}");
                break;
            default:
                yield return new($"services:{need}:http:0", $"http://{LinkTo(from, need, "http").Address}");
                yield return new($"services:{need}:grpc:0", $"http://{LinkTo(from, need, "grpc").Address}");
                break;
        }
    }

    private Link LinkTo(string from, string to, string endpoint) => _links[$"{from} {to} {endpoint}"] = new Link(to switch
    {
        "redis" => [new LinkTarget(_stores.RedisAddress)],
        "bus" => [new LinkTarget(_stores.BrokerAddress)],
        _ => [.. _replicas[to].Select(replica => endpoint == "http" ? replica.Http : replica.Grpc)],
    });

    /// <summary>Sends nobody to a replica that is not ready, as balancers do.</summary>
    private async Task WatchAsync()
    {
        using var tick = new PeriodicTimer(HealthInterval);
        try
        {
            while (await tick.WaitForNextTickAsync(_stop.Token))
                await Task.WhenAll(All.Select(replica => replica.LookAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // The end of it.
        }
    }

    private sealed class Replica(ServiceProcess process)
    {
        public ServiceProcess Process { get; } = process;

        public LinkTarget Http { get; } = new(process.Http);

        public LinkTarget Grpc { get; } = new(process.Grpc);

        public async Task LookAsync(CancellationToken cancellationToken) =>
            Http.IsInService = Grpc.IsInService = await Process.IsReadyAsync(cancellationToken);
    }
}
