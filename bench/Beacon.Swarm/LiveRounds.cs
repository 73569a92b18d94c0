using System.Globalization;
using System.Text.Json.Nodes;

namespace Beacon.Swarm;

/// <summary>What several rounds of <c>live</c> say together.</summary>
internal static class LiveRounds
{
    private const string CpuSuffix = "_added_cpu_us";

    /// <summary>The median of each figure; what a connection takes is seen in the first round only, as the server keeps what it has got.</summary>
    public static void WriteMedians(IReadOnlyList<JsonObject> rounds, JsonObject report)
    {
        foreach (var (name, first) in rounds[0])
            report[name] = (name == "rss_kib_per_connection" ? first! : Median.Of(rounds.Select(round => round[name]!), ValueOf)!).DeepClone();
    }

    /// <summary>
    /// Writes <c>NAME_cpu_ratio</c>: the median over the rounds of how many times as much an operation took than with one replica right after, and
    /// <c>NAME_cpu_ratio_least</c> and <c>NAME_cpu_ratio_most</c>.
    /// </summary>
    public static void WriteRatios(IReadOnlyList<JsonObject> rounds, IReadOnlyList<JsonObject> ofOne, JsonObject report)
    {
        foreach (var name in rounds[0].Select(figure => figure.Key).Where(name => name == "idle_cores" || name.EndsWith("_cpu_us", StringComparison.Ordinal)))
            report[$"{name}_of_one"] = Median.Of(ofOne.Select(round => ValueOf(round[name]!)));
        foreach (var name in rounds[0].Select(figure => figure.Key).Where(name => name.EndsWith(CpuSuffix, StringComparison.Ordinal)))
        {
            var ratios = rounds.Zip(ofOne, (many, one) => ValueOf(many[name]!) / ValueOf(one[name]!)).Order().ToList();
            var phase = name[..^CpuSuffix.Length];
            report[$"{phase}_cpu_ratio"] = Math.Round(Median.Of(ratios), 2);
            report[$"{phase}_cpu_ratio_least"] = Math.Round(ratios[0], 2);
            report[$"{phase}_cpu_ratio_most"] = Math.Round(ratios[^1], 2);
        }
    }

    /// <summary>Whole numbers and others.</summary>
    private static double ValueOf(JsonNode figure) => Convert.ToDouble(figure.GetValue<object>(), CultureInfo.InvariantCulture);
}
