using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>The first command of the README, as it is typed; the second one, <c>./test.sh</c>, is what runs this.</summary>
public sealed class ReadmeScenarios
{
    private const string Command = "dotnet run --project Beacon.AppHost";

    [Fact]
    public async Task The_first_command_starts_everything_and_a_signal_ends_it_in_good_order()
    {
        Assert.Contains($"\n{Command}\n", await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var host = Repository.AssemblyOf("Beacon.AppHost", "Beacon.AppHost");
        Assert.SkipWhen(File.Exists(Path.Combine(Path.GetDirectoryName(host)!, "Aspire.Hosting.dll")), "Beacon.AppHost was built with Aspire, which starts containers and a dashboard.");
        var ports = Ports.Free(4);
        var data = Directory.CreateTempSubdirectory("beacon-test-");
        try
        {
            // Built already: what `dotnet run` adds is the build.
            await using var beacon = new DotnetProcess(
                host,
                Repository.Root,
                new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    // As the launch profile sets it, for the dashboard that there is not.
                    ["ASPNETCORE_URLS"] = "http://localhost:15080",
                    ["ASPNETCORE_ENVIRONMENT"] = "Development",
                    ["Beacon__DataDirectory"] = data.FullName,
                    ["Beacon__Endpoints__HttpPort"] = $"{ports[0]}",
                    ["Beacon__Endpoints__GrpcPort"] = $"{ports[1]}",
                    ["Beacon__Topology__SiloPort"] = $"{ports[2]}",
                    ["Beacon__Topology__GatewayPort"] = $"{ports[3]}",
                });
            await beacon.WaitForOutputAsync("Beacon is live", TimeSpan.FromSeconds(90));
            // Ready it is a moment later.
            await beacon.WaitForOutputAsync("The directory was rebuilt", TimeSpan.FromSeconds(30));
            using var rest = new RestClient(new Uri($"http://127.0.0.1:{ports[0]}"));
            foreach (var path in new[] { "/", "/health", "/scalar", "/openapi/v1.json", "/api/streams" })
                Assert.Equal((path, 200), (path, (await rest.GetAsync(path)).Status));

            Assert.Equal(0, await beacon.StopAsync());

            Assert.Empty(ConsoleLog.Failures(beacon.Output));
            // The server that the fallback started has ended with it.
            await Assert.ThrowsAsync<HttpRequestException>(() => rest.GetAsync("/alive"));
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }
}
