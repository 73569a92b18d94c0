using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>One composed server for the scenarios of a class.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    public BeaconServer Server { get; } = new();

    public RestClient Rest => field ??= new RestClient(Server.Http);

    public async ValueTask InitializeAsync() => await Server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        Rest.Dispose();
        await Server.DisposeAsync();
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
}
