using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Beacon.Deploy.Tests;

/// <summary>What Prometheus and Grafana get in the profile <c>metrics</c> of the compose file.</summary>
public sealed partial class AlertTests
{
    private const string Alerts = "deploy/prometheus/alerts.yml";
    private const string AlertCases = "deploy/prometheus/alerts.test.yml";

    public static TheoryData<string> Boards => [.. BoardFiles()];

    public static TheoryData<string> Askers => [Alerts, .. BoardFiles()];

    /// <summary>What the exporter makes of a counter, of units, and of a histogram.</summary>
    private static readonly string[] Endings = ["_bucket", "_count", "_sum", "_total", "_seconds", "_bytes", "_ratio"];

    [Fact]
    public void Every_alert_is_explained_in_the_operations_page_and_no_other()
    {
        var explained = Explained().Matches(Repository.Read("docs/operations.md")).Select(match => match.Groups["name"].Value);

        Assert.Equal(Names().Order(StringComparer.Ordinal), explained.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Askers))]
    public void Every_metric_of_Beacon_that_is_asked_for_is_one_that_a_service_has(string file)
    {
        var instruments = Directory.EnumerateFiles(Repository.PathOf("services"), "*Metrics.cs", SearchOption.AllDirectories)
            .Append(Repository.PathOf("services/Signaling/SignalingService.cs"))
            .SelectMany(source => Instrument().Matches(File.ReadAllText(source)).Select(match => match.Groups["name"].Value))
            // Topology makes its gauges from the last part of their names.
            .Concat(Gauge().Matches(Repository.Read("services/Topology/TopologyMetrics.cs")).Select(match => $"beacon.topology.{match.Groups["name"].Value}"))
            .Select(name => name.Replace('.', '_'))
            .ToHashSet(StringComparer.Ordinal);

        var asked = Metric().Matches(Repository.Read(file)).Select(match => match.Value).Distinct(StringComparer.Ordinal).ToList();

        Assert.True(asked.Count > 0 || file.EndsWith("brokers.json", StringComparison.Ordinal), "No metric of Beacon is asked for.");
        Assert.All(asked, metric => Assert.Contains(Plain(metric, instruments), instruments));
    }

    [Fact]
    public void There_is_a_board_for_the_whole_for_streams_for_the_ledger_and_for_the_brokers() =>
        Assert.Equal(["brokers", "ledger", "overview", "stream"], BoardFiles().Select(Path.GetFileNameWithoutExtension));

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_panel_asks_the_data_source_that_is_chosen_and_the_boards_lead_to_each_other(string file)
    {
        var source = (YamlMappingNode)((YamlSequenceNode)Yaml("deploy/grafana/provisioning/datasources/prometheus.yml").Children["datasources"])[0];
        var board = JsonDocument.Parse(Repository.Read(file)).RootElement;
        var panels = board.GetProperty("panels").EnumerateArray().ToList();
        var variables = board.GetProperty("templating").GetProperty("list").EnumerateArray().ToDictionary(variable => variable.GetProperty("name").GetString()!, StringComparer.Ordinal);

        Assert.NotEmpty(panels);
        Assert.All(panels, panel => Assert.Equal("${datasource}", panel.GetProperty("datasource").GetProperty("uid").GetString()));
        Assert.Equal(source.Children["uid"].ToString(), variables["datasource"].GetProperty("current").GetProperty("value").GetString());
        Assert.True(variables.Count > 1, "a variable besides the data source");
        Assert.All(Variable().Matches(Repository.Read(file)), variable => Assert.Contains(variable.Groups["name"].Value, variables.Keys));
        var link = Assert.Single(board.GetProperty("links").EnumerateArray());
        Assert.Equal("beacon", link.GetProperty("tags")[0].GetString());
        Assert.Equal("beacon", board.GetProperty("tags")[0].GetString());
        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
    }

    [Fact]
    public void Every_alert_is_tried_firing_and_silent()
    {
        var tried = from YamlMappingNode test in (YamlSequenceNode)Yaml(AlertCases).Children["tests"]
                    from YamlMappingNode rule in (YamlSequenceNode)test.Children["alert_rule_test"]
                    let expected = (YamlSequenceNode)rule.Children["exp_alerts"]
                    select $"{rule.Children["alertname"]} {(expected.Children.Count > 0 ? "fires" : "is silent")}";

        Assert.Equal(
            Names().SelectMany(name => new[] { $"{name} fires", $"{name} is silent" }).Order(StringComparer.Ordinal),
            tried.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Promtool_accepts_the_rules_and_the_configuration()
    {
        Assert.SkipWhen(await ProgramRun.OfAsync("promtool", ["--version"]) is null, "promtool is not installed (Debian's package prometheus has it).");

        await ProgramRun.MustAsync("promtool", ["check", "rules", "--lint=all", "--lint-fatal", Repository.PathOf(Alerts)]);
        await ProgramRun.MustAsync("promtool", ["test", "rules", Repository.PathOf(AlertCases)]);
        await ProgramRun.MustAsync("promtool", ["check", "config", Repository.PathOf("deploy/prometheus/prometheus.yml")]);
    }

    private static IEnumerable<string> BoardFiles() => Directory.EnumerateFiles(Repository.PathOf("deploy/grafana/dashboards"), "*.json")
        .Select(file => $"deploy/grafana/dashboards/{Path.GetFileName(file)}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names() =>
        from YamlMappingNode @group in (YamlSequenceNode)Yaml(Alerts).Children["groups"]
        from YamlMappingNode rule in (YamlSequenceNode)@group.Children["rules"]
        select rule.Children["alert"].ToString();

    private static YamlMappingNode Yaml(string file)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(Repository.Read(file)));
        return (YamlMappingNode)yaml.Documents[0].RootNode;
    }

    private static string Plain(string metric, HashSet<string> instruments)
    {
        while (!instruments.Contains(metric) && Endings.FirstOrDefault(ending => metric.EndsWith(ending, StringComparison.Ordinal)) is { } ending)
            metric = metric[..^ending.Length];
        return metric;
    }

    [GeneratedRegex(@"^\| `(?<name>Beacon[A-Z]\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Explained();

    [GeneratedRegex(@"""(?<name>beacon\.[a-z_.]+)""")]
    private static partial Regex Instrument();

    [GeneratedRegex(@"Gauge\(""(?<name>[a-z_.]+)""")]
    private static partial Regex Gauge();

    /// <summary>Grafana's own end in double underscores.</summary>
    [GeneratedRegex(@"\$\{?(?<name>[a-z][a-z]+)\b")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\bbeacon_[a-z_]+\b")]
    private static partial Regex Metric();
}
