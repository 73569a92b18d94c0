using System.Text.RegularExpressions;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>What dashboards and alerts ask for is there, once there was life.</summary>
public sealed partial class ScrapeScenarios(ComposedFixture fixture) : IClassFixture<ComposedFixture>
{
    /// <summary>Of Prometheus itself, and of RabbitMQ, which is not there in this mode; a test with containers asks RabbitMQ.</summary>
    private static readonly string[] OfOthers = ["up", "ALERTS", "rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_messages_ready", "rabbitmq_detailed_queue_messages_unacked"];

    [Fact]
    public async Task Every_metric_that_a_dashboard_or_an_alert_names_is_in_a_scrape_of_the_running_server()
    {
        await LiveAsync();
        var scrape = await ScrapeAsync();
        var there = Sample().Matches(scrape).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);

        var asked = Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy/grafana/dashboards"), "*.json").SelectMany(file => Board().Matches(File.ReadAllText(file)))
            .Concat(Alert().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy/prometheus/alerts.yml"), TestContext.Current.CancellationToken)))
            .SelectMany(expression => Metric().Matches(Braces().Replace(expression.Groups["expr"].Value, " ")))
            .Select(match => match.Value)
            .Where(name => !OfOthers.Contains(name, StringComparer.Ordinal))
            .ToHashSet(StringComparer.Ordinal);

        Assert.True(asked.Count > 30, $"Only {asked.Count} metrics were found in dashboards and alerts.");
        Assert.Empty(asked.Except(there, StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Metrics_that_have_a_unit_carry_it()
    {
        var scrape = await ScrapeAsync();
        Assert.Contains("# UNIT beacon_ledger_proof_age_seconds seconds", scrape, StringComparison.Ordinal);
    }

    /// <summary>As Prometheus asks; the older text format, for who does not say so, has no units.</summary>
    private async Task<string> ScrapeAsync()
    {
        using var prometheus = new HttpClient { BaseAddress = fixture.Server.Http };
        prometheus.DefaultRequestHeaders.Add("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
        return await prometheus.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
    }

    /// <summary>A join, a fault, a heal, a tip, a raid: each once.</summary>
    private async Task LiveAsync()
    {
        var (server, rest) = (fixture.Server, fixture.Rest);
        var host = await rest.GuestAsync("Host");
        await using var target = await SyntheticPeer.BroadcastAsync(server, await rest.GuestAsync("Target"));
        await using var root = await SyntheticPeer.BroadcastAsync(server, host, maxChildren: 1);
        var relay = await SyntheticPeer.WatchAsync(server, await rest.GuestAsync("Relay"), root.StreamId);
        await relay.ParentAsync();
        await using var leaf = await SyntheticPeer.WatchAsync(server, await rest.GuestAsync("Leaf"), root.StreamId);
        await leaf.ParentAsync();
        await leaf.ReportAsync(new MetricsReport { LatencyMs = 5, Faults = { new ParentFault { ParentPeerId = relay.PeerId, Kind = FaultKind.BadChunk } } });
        // Frames of a session are handled one after the other: with this answer the report is counted.
        await leaf.Socket.AskAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = "another" } });
        await relay.DisposeAsync();
        await leaf.Socket.WaitAsync(frame => frame.ParentAssigned?.ParentPeerId == root.PeerId, "the root as parent");

        var rich = await fixture.RichGuestAsync("Rich", 1_000_000);
        Assert.Equal(200, (await rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 1, transferId = Guid.NewGuid() }, rich)).Status);
        Assert.Equal(200, (await rest.PostAsync($"/api/streams/{root.StreamId}/end", new { raidTarget = target.StreamId }, host)).Status);
        await leaf.Socket.WaitAsync(ServerFrame.FrameOneofCase.StreamEnded);
    }

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex("\"expr\": \"(?<expr>(?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Board();

    [GeneratedRegex(@"(?:expr: |^          )(?<expr>[^>].*)$", RegexOptions.Multiline)]
    private static partial Regex Alert();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Braces();

    /// <summary>A name with an underscore is a metric: functions and labels that we use have none, but for those after <c>by</c> and <c>quantile</c>.</summary>
    [GeneratedRegex(@"\b(?:up|ALERTS|(?!histogram_quantile|messaging_masstransit_consumer_type\b)[a-z]+(?:_[a-z0-9]+)+)\b")]
    private static partial Regex Metric();
}
