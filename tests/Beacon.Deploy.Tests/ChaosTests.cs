using System.Text.Json;

namespace Beacon.Deploy.Tests;

/// <summary>
/// The measurement of chaos in small: each kind of fault once, with outages of seconds. How fast things heal is measured elsewhere; here they must
/// heal, and no credit may be lost or doubled.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const string Faults = "kill-signaling,kill-topology,kill-ledger,kill-bus,pause-topology,pause-redis,cut-ledger-bus,cut-signaling-topology";

    [Fact]
    public async Task Whatever_part_of_a_cluster_is_lost_for_a_moment_every_viewer_is_fed_again_and_every_tip_is_booked_once()
    {
        var swarm = Testing.Repository.AssemblyOf("bench/Beacon.Swarm", "Beacon.Swarm");
        var told = await ProgramRun.MustAsync("dotnet", [swarm, "chaos", "--json", "--viewers", "40", "--streams", "3", "--pictures", "4", "--tippers", "3",
            "--outage-seconds", "3", "--store-outage-seconds", "4", "--faults", Faults]);
        var report = JsonDocument.Parse(told).RootElement;
        Assert.SkipWhen(report.TryGetProperty("skipped", out var reason), reason.ToString());
        foreach (var row in report.GetProperty("faults").EnumerateArray())
            output.WriteLine(row.ToString());

        Assert.Equal(Faults.Split(','), report.GetProperty("faults").EnumerateArray().Select(row => row.GetProperty("fault").GetString()));
        Assert.All(report.GetProperty("faults").EnumerateArray(), row =>
        {
            Assert.Equal((0.0, 0.0, 0.0), (row.GetProperty("credits_lost").GetDouble(), row.GetProperty("credits_doubled").GetDouble(), row.GetProperty("ledger_sum").GetDouble()));
            Assert.Empty(row.GetProperty("problems").EnumerateArray());
            Assert.True(row.GetProperty("tips").GetInt32() > 0, row.ToString());
        });
        Assert.Empty(report.GetProperty("tips_refused").EnumerateArray());
    }
}
