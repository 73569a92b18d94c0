using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Swarm.Wire;
using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>Random and mutated frames against a server, which must answer with documented errors, and neither fall nor grow.</summary>
internal static class Fuzz
{
    private static readonly Option<int> Frames = Beacon.Benchmarks.Verb.Number("--frames", 1_000_000, 1_000, 100_000_000, "Frames in all.");
    private static readonly Option<int> Seed = Beacon.Benchmarks.Verb.Number("--seed", 7, 0, int.MaxValue, "The same seed sends the same frames.");
    private static readonly Option<int> Sessions = Beacon.Benchmarks.Verb.Number("--sessions", 8, 1, 1_000, "Sessions at a time, half of them JSON.");

    public static Command Command() => Beacon.Benchmarks.Verb.Create("fuzz", "Random and mutated frames against a server of its own.", [Frames, Seed, Sessions], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        await using var server = await Server.StartAsync(Live.SelfHostSettings);
        using var crowd = new Crowd(server);
        var guests = await crowd.GuestsAsync(2);
        using var root = new Peer(guests[0]);
        await root.ConnectAsync(crowd.Endpoint);
        await root.GoLiveAsync();
        var run = new FuzzRun(server.Http, () => Task.FromResult(guests[1].AccessToken), root.StreamId, root.PeerId);

        // What the first frames leave behind are caches and compiled code; a leak goes on.
        var frames = asked.GetValue(Frames);
        var warmUp = Math.Max(1_000, frames / 10);
        await run.RunAsync(warmUp, asked.GetValue(Seed), asked.GetValue(Sessions));
        await Phase.RestAsync(server);
        var residentBefore = server.ResidentKib;
        var startedAt = Stopwatch.GetTimestamp();
        var outcome = await run.RunAsync(frames - warmUp, asked.GetValue(Seed) + asked.GetValue(Sessions), asked.GetValue(Sessions));
        var elapsed = Stopwatch.GetElapsedTime(startedAt);
        await Phase.RestAsync(server);
        // A session that the server still serves.
        await root.FenceAsync();
        var documented = File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"));
        return new JsonObject
        {
            ["seed"] = asked.GetValue(Seed),
            ["frames"] = frames,
            ["frames_per_s"] = Math.Round(outcome.Frames / elapsed.TotalSeconds),
            ["reconnects"] = outcome.Reconnects,
            ["answers"] = new JsonObject(outcome.Answers.OrderBy(answer => answer.Key, StringComparer.Ordinal).Select(answer => KeyValuePair.Create(answer.Key, (JsonNode?)answer.Value))),
            ["closes"] = new JsonObject(outcome.Closes.OrderBy(close => close.Key).Select(close => KeyValuePair.Create($"{close.Key}", (JsonNode?)close.Value))),
            ["undocumented"] = outcome.Answers.Keys.Count(reason => !documented.Contains($"| `{reason}` |", StringComparison.Ordinal)),
            ["server_errors"] = server.ErrorsLogged,
            ["rss_kib_before"] = residentBefore,
            ["rss_kib_after"] = server.ResidentKib,
        };
    }
}
