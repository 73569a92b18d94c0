namespace Beacon.Cli.Tests;

/// <summary>One server for the commands of a class.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    public BeaconServer Server { get; } = new();

    public RestClient Rest => field ??= new RestClient(Server.Http);

    internal Terminal Anybody => new(Server.Http);

    internal Terminal Operator => new(Server.Http, OperatorKey: BeaconServer.OperatorKey);

    public async ValueTask InitializeAsync() => await Server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        Rest.Dispose();
        await Server.DisposeAsync();
    }

    internal Terminal As(Guest guest) => new(Server.Http, guest.AccessToken);

    public async Task DepositAsync(Guest to, long microcredits)
    {
        var banker = await Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var answer = await Rest.PostAsync("/api/deposits", new { accountId = to.AccountId, amountMicrocredits = microcredits, transferId = Guid.NewGuid() }, banker);
        Assert.Equal(200, answer.Status);
    }
}
