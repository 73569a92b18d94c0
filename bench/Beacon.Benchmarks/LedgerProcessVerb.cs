using System.CommandLine;
using System.Globalization;
using Beacon.Ledger.Operations;
using Microsoft.Data.Sqlite;

namespace Beacon.Benchmarks;

/// <summary>
/// A process that is nothing but the production writer: tips come in as lines and are answered as lines, each when it is
/// durable. What <see cref="LedgerCrashVerb"/> kills.
/// </summary>
internal static class LedgerProcessVerb
{
    private static readonly Argument<string> Folder = new("directory") { Description = "The folder of ledger.db" };

    public static Command Create()
    {
        var command = new Command("ledger-process", "Serves tips over standard input and output; used by ledger-crash.") { Hidden = true };
        command.Arguments.Add(Folder);
        command.SetAction((parsed, cancellationToken) => ServeAsync(parsed.GetValue(Folder)!, cancellationToken));
        return command;
    }

    private static async Task<int> ServeAsync(string directory, CancellationToken cancellationToken)
    {
        await using var bench = await LedgerBench.OpenAsync(directory, keep: true);
        using var answers = new SemaphoreSlim(1, 1);
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"ready {LastBatch(bench.FilePath)}"));
        using var input = new StreamReader(Console.OpenStandardInput());
        var running = new List<Task>();
        while (await input.ReadLineAsync(cancellationToken) is { } line)
        {
            running.RemoveAll(task => task.IsCompleted);
            running.Add(AnswerAsync(line));
        }

        await Task.WhenAll(running);
        return 0;

        async Task AnswerAsync(string line)
        {
            var words = line.Split(' ');
            var tip = new Tip(words[1], words[1], words[2], long.Parse(words[3], CultureInfo.InvariantCulture), Guid.Parse(words[0]));
            var posted = (await bench.DoAsync(tip.Decide)).OrThrow();
            await answers.WaitAsync(cancellationToken);
            try
            {
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{words[0]} {posted.Sequence}"));
            }
            finally
            {
                answers.Release();
            }
        }
    }

    private static long LastBatch(string path)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(sequence), 0) FROM batches";
        return (long)command.ExecuteScalar()!;
    }
}
