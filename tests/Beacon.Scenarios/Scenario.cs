using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>What Beacon does, whichever way it is deployed: each class of scenarios has a class per mode in Modes.cs.</summary>
public abstract class Scenario(BeaconFixture beacon) : IAsyncLifetime
{
    protected const long Credit = 1_000_000;

    protected IBeacon Server => beacon.Server;

    protected RestClient Rest => beacon.Rest;

    protected OtlpReceiver Collector => beacon.Collector;

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(beacon.Missing is not null, beacon.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected Task<Guest> RichGuestAsync(string name, long microcredits) => beacon.RichGuestAsync(name, microcredits);
}
