using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>What a host must do whatever it hosts.</summary>
public sealed class HostScenarios(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/scalar")]
    [InlineData("/.well-known/jwks.json")]
    [InlineData("/")]
    public async Task The_addresses_of_the_readme_answer(string path) =>
        Assert.Equal(200, (await fixture.Rest.GetAsync(path)).Status);

    [Fact]
    public async Task Ice_servers_are_given_to_accounts()
    {
        Assert.Equal(200, (await fixture.Rest.GetAsync("/api/ice-servers", await fixture.Rest.GuestAsync("Icy"))).Status);
        Assert.Equal("missing_token", (await fixture.Rest.GetAsync("/api/ice-servers")).Reason);
    }

    [Fact]
    public void Keys_are_readable_by_their_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        foreach (var key in new[] { "issuer.p8", "service.key" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(fixture.Server.DataDirectory, key)));
    }

    [Fact]
    public async Task A_service_alone_without_a_broker_refuses_to_start_and_says_why()
    {
        var data = Directory.CreateTempSubdirectory("beacon-test-");
        try
        {
            await using var topology = new DotnetProcess(
                Repository.AssemblyOf("services/Topology", "Beacon.Topology"),
                data.FullName,
                new Dictionary<string, string>(StringComparer.Ordinal) { ["Beacon__Auth__Authority"] = "http://127.0.0.1:9" });

            Assert.NotEqual(0, await topology.WaitForExitAsync(TimeSpan.FromSeconds(30)));
            Assert.Contains("This process hosts only topology, and no broker is configured. Set ConnectionStrings:bus", topology.Output, StringComparison.Ordinal);
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }
}
