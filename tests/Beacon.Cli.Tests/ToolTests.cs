using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace Beacon.Cli.Tests;

/// <summary>The tool as docs/cli.md installs it: packed, installed, and run as a program of its own.</summary>
public sealed class ToolTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly string Configuration = typeof(ToolTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    [Fact]
    public async Task It_packs_installs_and_runs()
    {
        var folder = Directory.CreateTempSubdirectory("beacon-tool-");
        try
        {
            var (packages, tools) = (Path.Combine(folder.FullName, "packages"), Path.Combine(folder.FullName, "tools"));
            await MustAsync("dotnet", ["pack", Path.Combine(Repository.Root, "Beacon.Cli"), "--no-build", "--configuration", Configuration, "--output", packages]);
            await MustAsync("dotnet", ["tool", "install", "Beacon.Cli", "--tool-path", tools, "--source", packages]);
            var beacon = Path.Combine(tools, OperatingSystem.IsWindows() ? "beacon.exe" : "beacon");

            Assert.Contains("Lists the live streams", await MustAsync(beacon, ["--help"]), StringComparison.Ordinal);
            using var totals = JsonDocument.Parse(await MustAsync(beacon, ["ledger", "totals", "--json"]));
            Assert.True(totals.RootElement.TryGetProperty("kinds", out _), totals.RootElement.GetRawText());
            Assert.Equal(2, (await RunAsync(beacon, ["dance"])).Code);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<string> MustAsync(string program, string[] arguments)
    {
        var (code, text) = await RunAsync(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{text}");
        return text;
    }

    private async Task<(int Code, string Text)> RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["BEACON_URL"] = fixture.Server.Http.ToString();
        start.Environment["BEACON_OPERATOR_KEY"] = BeaconServer.OperatorKey;
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, process.ExitCode == 0 ? text : text + await error);
    }
}
