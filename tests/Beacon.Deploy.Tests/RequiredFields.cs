using k8s;

[assembly: AssemblyFixture(typeof(Beacon.Deploy.Tests.RequiredFields))]

namespace Beacon.Deploy.Tests;

/// <summary>
/// The schemas of the Kubernetes API, which know what must be there; the .NET types only know what may be. From npm, fetched once and kept in
/// <c>artifacts/tools</c>.
/// </summary>
public sealed class RequiredFields : IAsyncLifetime
{
    private const string Package = "kubernetes-models";
    private const string Version = "5.1.0";

    private static readonly string Kept = Path.Combine(Repository.PathOf("artifacts/tools"), $"{Package}-{Version}");

    private string? _missing;

    public async ValueTask InitializeAsync()
    {
        if (Directory.Exists(Path.Combine(Kept, "node_modules", Package)))
            return;
        var partial = $"{Kept}.part";
        Directory.CreateDirectory(partial);
        if (await ProgramRun.OfAsync("npm", ["install", "--prefix", partial, $"{Package}@{Version}", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]) is { Code: 0 })
            Directory.Move(partial, Kept);
        else
            _missing = $"npm cannot fetch {Package}@{Version}.";
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>What is wrong with these objects, a line each.</summary>
    public async Task<IReadOnlyList<string>> MissingInAsync(IEnumerable<object> objects)
    {
        Assert.SkipWhen(_missing is not null, _missing ?? "");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $"[{string.Join(',', objects.Select(item => KubernetesJson.Serialize(item)))}]");
            var script = Repository.PathOf("tests/Beacon.Deploy.Tests/required-fields.mjs");
            var output = await ProgramRun.MustAsync("bash", ["-c", "node \"$0\" \"$1\" < \"$2\"", script, Kept, file]);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
