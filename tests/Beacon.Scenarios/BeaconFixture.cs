using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>A Beacon for scenarios, in one of its modes.</summary>
public abstract class BeaconFixture : IAsyncLifetime
{
    private IBeacon? _server;
    private RestClient? _rest;

    /// <summary>Why there is none here; null when there is.</summary>
    public string? Missing { get; private set; }

    public IBeacon Server => _server!;

    public RestClient Rest => _rest!;

    /// <summary>Where all its processes export their traces.</summary>
    public OtlpReceiver Collector { get; } = new();

    public async ValueTask InitializeAsync()
    {
        (_server, Missing) = await MakeAsync(Collector.Environment);
        if (_server is null)
            return;
        await _server.StartAsync();
        _rest = new RestClient(_server.Http);
    }

    public virtual async ValueTask DisposeAsync()
    {
        _rest?.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
        await Collector.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A guest with credits, from an operator's deposit.</summary>
    public async Task<Guest> RichGuestAsync(string name, long microcredits)
    {
        var guest = await Rest.GuestAsync(name);
        var banker = await Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var answer = await Rest.PostAsync("/api/deposits", new { accountId = guest.AccountId, amountMicrocredits = microcredits, transferId = Guid.NewGuid() }, banker);
        Assert.Equal(200, answer.Status);
        return guest;
    }

    protected abstract Task<(IBeacon? Server, string? Missing)> MakeAsync(IReadOnlyDictionary<string, string> settings);
}

/// <summary>Beacon.Server, for one class of scenarios.</summary>
public sealed class ComposedFixture : BeaconFixture
{
    protected override Task<(IBeacon? Server, string? Missing)> MakeAsync(IReadOnlyDictionary<string, string> settings) =>
        Task.FromResult<(IBeacon?, string?)>((new BeaconServer(settings), null));
}

/// <summary>
/// The four services with a real Redis and a real RabbitMQ: one cluster for all scenarios, because its start takes longer than most of them. Its
/// nine processes have the machine for themselves: beside other servers, calls took longer than they may.
/// </summary>
[CollectionDefinition(nameof(DistributedFixture), DisableParallelization = true)]
public sealed class DistributedFixture : BeaconFixture, ICollectionFixture<DistributedFixture>
{
    /// <summary>Null when there are none here.</summary>
    public Stores? Stores { get; private set; }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Stores is not null)
            await Stores.DisposeAsync();
    }

    protected override async Task<(IBeacon? Server, string? Missing)> MakeAsync(IReadOnlyDictionary<string, string> settings)
    {
        (Stores, var missing) = await Testing.Stores.StartAsync();
        // As in a cluster, only shorter: balancers have the time to notice that a process stops.
        return Stores is null ? (null, missing) : (new BeaconCluster(Stores, new Dictionary<string, string>(settings, StringComparer.Ordinal) { ["Beacon:Endpoints:DrainSeconds"] = "2" }), null);
    }
}
