using System.Reflection;
using System.Text.Json;

namespace Beacon.Deploy.Tests;

/// <summary>The model that the Aspire AppHost makes, as it publishes it. Runs where the NuGet sources have Aspire.</summary>
public sealed class AppHostTests
{
    private static readonly string[] Services = ["ledger", "raids", "signaling", "topology"];

    private static readonly string Built = Repository.PathOf(
        $"Beacon.AppHost/bin/{typeof(AppHostTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration}/net10.0");

    [Fact]
    public async Task The_model_has_the_stores_the_four_services_and_what_each_must_be_told()
    {
        var resources = (await ManifestAsync()).GetProperty("resources");

        foreach (var name in (string[])["redis", "bus", "service-key", "operator-key", .. Services])
            Assert.True(resources.TryGetProperty(name, out _), name);
        foreach (var name in Services)
        {
            var service = resources.GetProperty(name);
            var environment = service.GetProperty("env").EnumerateObject().ToDictionary(variable => variable.Name, variable => variable.Value.GetString()!, StringComparer.Ordinal);
            Assert.Equal("{service-key.value}", environment["Beacon__Auth__ServiceKey"]);
            Assert.Contains("ConnectionStrings__bus", environment.Keys);
            Assert.Equal(name != "ledger", environment.ContainsKey("ConnectionStrings__redis"));
            Assert.Equal(name != "signaling", environment.ContainsKey("Beacon__Auth__Authority"));
            Assert.Equal(8080, service.GetProperty("bindings").GetProperty("http").GetProperty("targetPort").GetInt32());
            Assert.Equal(8081, service.GetProperty("bindings").GetProperty("grpc").GetProperty("targetPort").GetInt32());
            Assert.Equal("http2", service.GetProperty("bindings").GetProperty("grpc").GetProperty("transport").GetString());
        }

        Assert.Equal("Redis", resources.GetProperty("topology").GetProperty("env").GetProperty("Beacon__Topology__Clustering").GetString());
        Assert.Contains(resources.GetProperty("ledger").GetProperty("volumes").EnumerateArray(), volume => volume.GetProperty("target").GetString() == "/data");
        foreach (var name in Services.Where(name => name != "signaling"))
            Assert.False(resources.GetProperty(name).GetProperty("bindings").GetProperty("http").TryGetProperty("external", out var external) && external.GetBoolean(), name);
    }

    private static async Task<JsonElement> ManifestAsync()
    {
        Assert.SkipWhen(!File.Exists(Path.Combine(Built, "Beacon.AppHost.dll")), "Beacon.AppHost is not built.");
        Assert.SkipWhen(!File.Exists(Path.Combine(Built, "Aspire.Hosting.dll")), "Aspire is not on the NuGet sources of this machine: Beacon.AppHost was built without it.");
        var folder = Directory.CreateTempSubdirectory("beacon-manifest-");
        try
        {
            var file = Path.Combine(folder.FullName, "manifest.json");
            await ProgramRun.MustAsync("dotnet", [Path.Combine(Built, "Beacon.AppHost.dll"), "--operation", "publish", "--publisher", "manifest", "--output-path", file], Repository.PathOf("Beacon.AppHost"));
            return JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
