using System.CommandLine;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beacon.Swarm.Wire;

namespace Beacon.Swarm;

/// <summary>
/// One large stream raids others with its whole audience, over the real protocol: how long the move takes after the countdown, whether anybody gets lost, and
/// what it does to the targets' trees and to their own viewers.
/// </summary>
internal static class RaidVerb
{
    /// <summary>After this long without a parent in a target a viewer is lost.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Option<int> Viewers = Beacon.Benchmarks.Verb.Number("--viewers", 10_000, 10, 15_000, "Viewers that move.");
    private static readonly Option<int> Targets = Beacon.Benchmarks.Verb.Number("--targets", 3, 1, 8, "Other live streams; none of them has room for all.");
    private static readonly Option<int> Own = Beacon.Benchmarks.Verb.Number("--own", 100, 1, 2_000, "Viewers that each target has before.");
    private static readonly Option<int> Decliners = Beacon.Benchmarks.Verb.Number("--decliners", 100, 0, 15_000, "Viewers that stay behind on purpose.");
    private static readonly Option<int> Relays = Beacon.Benchmarks.Verb.Number("--relays", 40, 1, 100, "Of a hundred viewers so many have an uplink; the others bring nothing.");
    private static readonly Option<int> Countdown = Beacon.Benchmarks.Verb.Number("--countdown", 20, 1, 300, "Seconds of the countdown.");
    private static readonly Option<int> InFlight = Beacon.Benchmarks.Verb.Number("--in-flight", 256, 1, 15_000, "Connects and joins under way at once, before the raid.");
    private static readonly Option<bool> SelfHost = new("--self-host") { Description = "Start Beacon.Server as a child process (always so)." };

    public static Command Command() => Beacon.Benchmarks.Verb.Create(
        "raid", "A large audience moves to other live streams of a server of its own.", [Viewers, Targets, Own, Decliners, Relays, Countdown, InFlight, SelfHost], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        var (count, targets, own) = (asked.GetValue(Viewers), asked.GetValue(Targets), asked.GetValue(Own));
        await using var server = await Server.StartAsync(Live.SelfHostSettings);
        using var crowd = new Crowd(server);
        using var http = new HttpClient { BaseAddress = server.Http };
        var guests = await crowd.GuestsAsync(1 + targets + (targets * own) + count);
        var roots = guests[..(1 + targets)].Select(guest => new Peer(guest)).ToArray();
        // Every so-manyth brings nothing, whatever the order in which they come.
        var viewers = guests[(1 + targets)..].Select((guest, index) => new RaidViewer(
            guest, (index * 37) % 100 < asked.GetValue(Relays) ? 20 : 0, declines: index >= targets * own && index - (targets * own) < asked.GetValue(Decliners))).ToArray();
        try
        {
            foreach (var root in roots)
            {
                await root.ConnectAsync(crowd.Endpoint);
                await root.GoLiveAsync();
            }

            await log.WriteLineAsync("the audiences come");
            await Crowd.ForAllAsync(viewers.Length, asked.GetValue(InFlight), async index =>
            {
                await viewers[index].ConnectAsync(crowd.Endpoint);
                await viewers[index].WatchAsync(index < targets * own ? roots[1 + (index / own)].StreamId : roots[0].StreamId);
            });
            await Phase.RestAsync(server);
            var (ofTargets, audience) = (viewers[..(targets * own)], viewers[(targets * own)..]);
            // Growing trees move people; that is not the raid's doing.
            foreach (var viewer in ofTargets)
                viewer.ForgetMoves();

            await log.WriteLineAsync("the raid counts down");
            var spentBefore = server.ProcessorTime;
            var (raidId, endsAt) = await StartAsync(http, roots, asked.GetValue(Countdown), cancellation);
            using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (audience.Any(viewer => !viewer.Declines && viewer.MovedAt == 0) && (Stopwatch.GetTimestamp() < endsAt || Stopwatch.GetElapsedTime(endsAt) < Patience))
                await glance.WaitForNextTickAsync(cancellation);

            var trees = await Task.WhenAll(roots[1..].Select(root => QualityAsync(http, root.StreamId, cancellation)));
            await Phase.RestAsync(server);
            var report = Report(audience, endsAt);
            var placed = trees.Sum(tree => tree.Viewers);
            report["target_mean_depth"] = Math.Round(trees.Sum(tree => tree.MeanDepth * tree.Viewers) / placed, 3);
            report["target_ideal_mean_depth"] = Math.Round(trees.Sum(tree => tree.IdealMeanDepth * tree.Viewers) / placed, 3);
            report["target_worst_depth_ratio"] = Math.Round(trees.Max(tree => tree.MeanDepth / tree.IdealMeanDepth), 3);
            report["target_viewers"] = new JsonArray([.. trees.Select(tree => (JsonNode)tree.Viewers)]);
            report["own_viewers_moved"] = ofTargets.Count(viewer => viewer.Moves > 0);
            report["own_viewer_moves_max"] = ofTargets.Max(viewer => viewer.Moves);
            report["server_cpu_s"] = Math.Round((server.ProcessorTime - spentBefore).TotalSeconds, 2);
            await ConcludeAsync(http, raidId, report, cancellation);
            return report;
        }
        finally
        {
            foreach (var viewer in viewers)
                viewer.Dispose();
            foreach (var root in roots)
                root.Dispose();
        }
    }

    private static JsonObject Report(RaidViewer[] audience, long endsAt)
    {
        var followers = audience.Where(viewer => !viewer.Declines).ToList();
        var moved = followers.Where(viewer => viewer.MovedAt != 0).ToList();
        var gaps = new Timings(moved.Count);
        foreach (var viewer in moved)
            gaps.AddTicks(viewer.MovedAt - viewer.ToldAt);
        return new JsonObject
        {
            ["moved"] = moved.Count,
            ["declined"] = audience.Count(viewer => viewer.Declines && viewer.TargetId.Length == 0),
            ["lost"] = audience.Length - moved.Count - audience.Count(viewer => viewer.Declines && viewer.TargetId.Length == 0),
            ["seconds"] = moved.Count == 0 ? 0 : Math.Round(Math.Max(0, Stopwatch.GetElapsedTime(endsAt, moved.Max(viewer => viewer.MovedAt)).TotalSeconds), 3),
            ["placed_before"] = moved.Count(viewer => viewer.AssignedAt < viewer.ToldAt),
            ["peak_joins_per_s"] = followers.GroupBy(viewer => viewer.TargetId).Max(target => PeakPerSecond(target.Select(viewer => viewer.JoinedAt))),
            ["p99_gap_ms"] = Math.Round(gaps.PercentileMs(0.99), 1),
            ["max_gap_ms"] = Math.Round(gaps.PercentileMs(1), 1),
            ["problems"] = new JsonArray([.. audience.Select(viewer => viewer.Problem).OfType<string>().CountBy(problem => problem).Select(problem => (JsonNode)$"{problem.Key}: {problem.Value}")]),
        };
    }

    /// <summary>The most joins of one target within any second.</summary>
    private static int PeakPerSecond(IEnumerable<long> joinedAt)
    {
        var times = joinedAt.Where(at => at != 0).Order().ToList();
        var (peak, first) = (0, 0);
        for (var last = 0; last < times.Count; last++)
        {
            while (times[last] - times[first] >= Stopwatch.Frequency)
                first++;
            peak = Math.Max(peak, last - first + 1);
        }

        return peak;
    }

    /// <summary>Announces the raid; gives the end of its countdown as a timestamp.</summary>
    private static async Task<(string RaidId, long EndsAt)> StartAsync(HttpClient http, Peer[] roots, int countdownSeconds, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/raids")
        {
            Content = JsonContent.Create(new { fromStreamId = roots[0].StreamId, targetStreamId = roots[1].StreamId, countdownSeconds }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", roots[0].Guest.AccessToken);
        var raid = (await AnswerAsync(await http.SendAsync(request, cancellation), cancellation)).GetProperty("raid");
        var left = raid.GetProperty("movesAt").GetDateTimeOffset() - TimeProvider.System.GetUtcNow();
        return (raid.GetProperty("raidId").GetString()!, Stopwatch.GetTimestamp() + (long)(left.TotalSeconds * Stopwatch.Frequency));
    }

    /// <summary>The raid as the server has it, which must agree.</summary>
    private static async Task ConcludeAsync(HttpClient http, string raidId, JsonObject report, CancellationToken cancellation)
    {
        var raid = (await AnswerAsync(await http.GetAsync($"/api/raids/{raidId}", cancellation), cancellation)).GetProperty("raid");
        report["raid_phase"] = raid.GetProperty("phase").GetString();
        report["raid_targets"] = raid.GetProperty("targets").GetArrayLength();
        report["raid_declined"] = raid.TryGetProperty("declined", out var declined) ? declined.GetInt32() : 0;
    }

    private static async Task<(int Viewers, double MeanDepth, double IdealMeanDepth)> QualityAsync(HttpClient http, string streamId, CancellationToken cancellation)
    {
        var stream = (await AnswerAsync(await http.GetAsync($"/api/streams/{streamId}", cancellation), cancellation)).GetProperty("stream");
        var quality = (await AnswerAsync(await http.GetAsync($"/api/streams/{streamId}/tree?pageSize=1", cancellation), cancellation)).GetProperty("quality");
        return (stream.GetProperty("viewers").GetInt32(), quality.GetProperty("meanDepth").GetDouble(), quality.GetProperty("idealMeanDepth").GetDouble());
    }

    private static async Task<JsonElement> AnswerAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancellation);
            if (!response.IsSuccessStatusCode)
                throw new InvalidOperationException($"{response.RequestMessage!.RequestUri}: {response.StatusCode} {text}");
            using var body = JsonDocument.Parse(text);
            return body.RootElement.Clone();
        }
    }
}
