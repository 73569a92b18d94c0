namespace Beacon.Signaling.Tests;

/// <summary>Calls that the single public origin forwards to services that run elsewhere.</summary>
public sealed class GatewayTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    [Fact]
    public async Task A_service_that_is_away_is_told_with_a_reason()
    {
        await using var host = await SignalingHost.StartAsync(garnet.ConnectionString);
        using var rest = new RestClient(host.Http);

        var answer = await rest.GetAsync("/api/streams");

        Assert.Equal((503, "service_unavailable"), (answer.Status, answer.Reason));
    }
}
