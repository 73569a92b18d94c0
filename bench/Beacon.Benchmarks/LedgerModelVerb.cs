using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Benchmarks.Model;

namespace Beacon.Benchmarks;

/// <summary>Any number of random operations on the book, each held against the model.</summary>
internal static class LedgerModelVerb
{
    private const int StepsARun = 100_000;

    public static Command Create()
    {
        var operations = new Option<long>("--operations") { Description = "Operations in all.", DefaultValueFactory = _ => 1_000_000 };
        var seed = new Option<int>("--seed") { Description = "The same seed plays the same operations.", DefaultValueFactory = _ => 7 };
        return Verb.Create(
            "ledger-model",
            "Random operations on the ledger's books, compared with a model after each.",
            [operations, seed],
            (parsed, log, cancellationToken) => Task.FromResult(Run(parsed.GetValue(operations), parsed.GetValue(seed), log, cancellationToken)));
    }

    private static JsonObject Run(long operations, int seed, TextWriter log, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var run = new BookRun();
        var answers = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var watch = Stopwatch.StartNew();
        string? difference = null;
        var played = 0L;
        for (; played < operations && difference is null; played++)
        {
            if (played > 0 && played % StepsARun == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Count(run, answers);
                run = new BookRun();
                if (played % 1_000_000 == 0)
                    log.WriteLine($"{played} operations");
            }

            var step = new Step(random.Next(100), random.Next(10_000), random.Next(10_000));
            if (run.Play(step) is { } found)
                difference = $"operation {played}, {step}: {found}";
        }

        Count(run, answers);
        return new JsonObject
        {
            ["operations"] = played,
            ["seed"] = seed,
            ["differences"] = difference is null ? 0 : 1,
            ["difference"] = difference,
            ["sum"] = (long)run.Sum,
            ["answers"] = new JsonObject(answers.Select(answer => new KeyValuePair<string, JsonNode?>(answer.Key, answer.Value))),
            ["seconds"] = Math.Round(watch.Elapsed.TotalSeconds, 1),
        };
    }

    private static void Count(BookRun run, SortedDictionary<string, long> answers)
    {
        foreach (var (status, count) in run.Answers)
            answers[status.ToString()] = answers.GetValueOrDefault(status.ToString()) + count;
    }
}
