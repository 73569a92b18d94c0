using Beacon.Testing;

namespace Beacon.Deploy.Tests;

/// <summary>A host that is told something that it does not know does not start, and says everything that is wrong.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Beacon.Server", "Beacon.Server", "Signaling")]
    [InlineData("services/Signaling", "Beacon.Signaling", "Signaling")]
    [InlineData("services/Topology", "Beacon.Topology", "Topology")]
    [InlineData("services/Ledger", "Beacon.Ledger", "Ledger")]
    [InlineData("services/Raids", "Beacon.Raids", "Raids")]
    public async Task Every_host_names_all_that_is_wrong_at_once(string folder, string assembly, string service)
    {
        var output = await RefusedAsync(folder, assembly, new()
        {
            ["Beacon__Topolgy__TickMs"] = "500",
            [$"Beacon__{service}__NoSuchThing"] = "1",
            ["Beacon__Endpoints__HttpPort"] = "70000",
            ["Beacon__Endpoints__GrpcPort"] = "many",
            ["Beacon__Endpoints__Address"] = "localhost",
            ["Beacon__Endpoints__TrustedProxies"] = "10.0.0.0/8",
            ["Beacon__Auth__ServiceKey"] = "a secret that is no base64",
            ["Beacon__Auth__ClockSkewSecond"] = "3",
        });

        Assert.Contains("8 settings are wrong, and nothing was started", output, StringComparison.Ordinal);
        // Whose section it looks like depends on what this host knows; that it is refused does not.
        Assert.Contains("  Beacon:Topolgy is not known.", output, StringComparison.Ordinal);
        Assert.Contains($"  Beacon:{service}:NoSuchThing is not known.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Endpoints:HttpPort is 70000, and must be from 1 to 65535.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Endpoints:GrpcPort is 'many', and must be a whole number of 32 bits.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Endpoints:Address is 'localhost', and must be an IP address, or * for all.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Endpoints:TrustedProxies is a list: its first entry is Beacon:Endpoints:TrustedProxies:0.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Auth:ServiceKey must be base64 of at least 32 bytes.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Auth:ClockSkewSecond is not known. Is it Beacon:Auth:ClockSkewSeconds?\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("a secret that is no base64", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_over_two_settings_are_told_with_the_others()
    {
        var output = await RefusedAsync("Beacon.Server", "Beacon.Server", new()
        {
            ["Beacon__Signaling__TurnUrls__0"] = "turn:turn.example.org",
            ["Beacon__Signaling__OperatorKey"] = "short",
            ["Beacon__Topology__Clustering"] = "Etcd",
            ["Beacon__Raids__PollMs__More"] = "1",
        });

        Assert.Contains("4 settings are wrong", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Signaling:TurnSecret is needed when Beacon:Signaling:TurnUrls is set.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Signaling:OperatorKey must match ^$|^.{16,}$.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Topology:Clustering is 'Etcd', and must be one of Localhost, Redis, Kubernetes.\n", output, StringComparison.Ordinal);
        Assert.Contains("  Beacon:Raids:PollMs:More is not known: Beacon:Raids:PollMs has no parts.\n", output, StringComparison.Ordinal);
    }

    /// <summary>One environment file serves all services; the broker is what this one misses then.</summary>
    [Fact]
    public async Task Settings_of_another_service_are_that_services_matter()
    {
        var output = await RefusedAsync("services/Raids", "Beacon.Raids", new()
        {
            ["Beacon__Ledger__NoSuchThing"] = "1",
            ["Beacon__Signaling__OperatorKey"] = "an operator key of the tests",
        });

        Assert.DoesNotContain("wrong", output, StringComparison.Ordinal);
        Assert.Contains("This process hosts only raids, and no broker is configured.", output, StringComparison.Ordinal);
    }

    private static async Task<string> RefusedAsync(string folder, string assembly, Dictionary<string, string> environment)
    {
        var data = Directory.CreateTempSubdirectory("beacon-test-");
        try
        {
            await using var host = new DotnetProcess(Testing.Repository.AssemblyOf(folder, assembly), data.FullName, environment);
            Assert.NotEqual(0, await host.WaitForExitAsync(TimeSpan.FromSeconds(60)));
            return host.Output;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }
}
