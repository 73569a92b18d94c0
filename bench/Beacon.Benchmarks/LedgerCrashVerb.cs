using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Microsoft.Data.Sqlite;

namespace Beacon.Benchmarks;

/// <summary>
/// Kills a ledger process under load, again and again, with SIGKILL. What it had not answered is sent again with the same
/// ids to the next one. At the end the file is proved, and every balance compared with what was acknowledged.
/// </summary>
internal static class LedgerCrashVerb
{
    private const int Wallets = 64;
    private const int MaxAnswersOfALife = 500;

    private static readonly Option<int> Kills = Verb.Number("--kills", 200, 1, 1_000_000, "Processes killed");
    private static readonly Option<int> Callers = Verb.Number("--callers", 64, 1, 4_096, "Tips that are under way at a time");
    private static readonly Option<int> Seed = Verb.Number("--seed", 7, 0, int.MaxValue, "Of the tips and of the moments of the kills");
    private static readonly Option<string> Folder = new("--directory") { Description = "Where the file is made", DefaultValueFactory = _ => Path.GetTempPath() };

    public static Command Create() => Verb.Create("ledger-crash", "kill -9 under load: nothing acknowledged is lost, nothing is booked twice.", [Kills, Callers, Seed, Folder], RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult options, TextWriter log, CancellationToken cancellationToken)
    {
        var directory = LedgerBench.NewDirectory(options.GetValue(Folder)!);
        try
        {
            await using (var bench = await LedgerBench.OpenAsync(directory, keep: true))
                await bench.FillAsync(Wallets);
            var clients = new Clients(options.GetValue(Callers), new Random(options.GetValue(Seed)));
            for (var kill = 1; kill <= options.GetValue(Kills); kill++)
            {
                await LifeAsync(directory, clients, clients.Random.Next(1, MaxAnswersOfALife), cancellationToken);
                if (kill % 25 == 0)
                    await log.WriteLineAsync($"{kill} kills, {clients.Acknowledged.Count} acknowledged");
            }

            await LifeAsync(directory, clients, answers: null, cancellationToken);
            return Report(options, clients, Path.Combine(directory, "ledger.db"));
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>One process, killed after so many answers; or, without a number, ended in peace when nothing is open any more.</summary>
    private static async Task LifeAsync(string directory, Clients clients, int? answers, CancellationToken cancellationToken)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true },
        };
        // Under `dotnet X.dll` the program is dotnet and wants to be told which.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            process.StartInfo.ArgumentList.Add(typeof(LedgerCrashVerb).Assembly.Location);
        process.StartInfo.ArgumentList.Add("ledger-process");
        process.StartInfo.ArgumentList.Add(directory);
        process.Start();
        try
        {
            var ready = await process.StandardOutput.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The ledger's process ended before it was ready.");
            var bookedBefore = long.Parse(ready.Split(' ')[1], CultureInfo.InvariantCulture);
            await SendAsync(process, clients.Open(mayBegin: answers is not null));
            var answered = 0;
            // To the last line that the pipe holds: what the process said before it died was heard.
            while ((answers is not null || clients.OpenCount > 0) && await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.Split(' ') is not [var id, var sequence])
                    continue;
                clients.Answered(Guid.Parse(id), long.Parse(sequence, CultureInfo.InvariantCulture), bookedBefore);
                answered++;
                if (answered == answers)
                    process.Kill();
                else if (answers is null || answered < answers)
                    await SendAsync(process, clients.Open(mayBegin: answers is not null));
            }

            process.StandardInput.Close();
        }
        catch (IOException) when (answers is not null)
        {
            // The pipe of a process that is dead.
        }

        await process.WaitForExitAsync(cancellationToken);
        clients.Died();
    }

    private static async Task SendAsync(Process process, IEnumerable<string> lines)
    {
        foreach (var line in lines)
            await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync();
    }

    private static JsonObject Report(ParseResult options, Clients clients, string path)
    {
        var proof = LedgerProof.Of(path);
        var booked = new HashSet<Guid>();
        var (tips, balances) = (0L, new Dictionary<string, long>(StringComparer.Ordinal));
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var ids = connection.CreateCommand();
            ids.CommandText = $"SELECT batch_id FROM batches WHERE code = {(int)TransferCode.Tip}";
            using (var row = ids.ExecuteReader())
            {
                for (; row.Read(); tips++)
                    booked.Add(new Guid(row.GetFieldValue<byte[]>(0), bigEndian: true));
            }

            using var accounts = connection.CreateCommand();
            accounts.CommandText = "SELECT account_id, balance FROM accounts JOIN balances ON account = number";
            using (var row = accounts.ExecuteReader())
            {
                while (row.Read())
                    balances[row.GetString(0)] = row.GetInt64(1);
            }
        }

        var expected = Enumerable.Range(0, Wallets).ToDictionary(LedgerBench.Wallet, _ => Amounts.Max, StringComparer.Ordinal);
        foreach (var tip in clients.Acknowledged.Values)
        {
            expected[tip.From] -= tip.Amount;
            expected[tip.Host] = expected.GetValueOrDefault(tip.Host) + tip.Amount;
        }

        return new JsonObject
        {
            ["verb"] = "ledger-crash",
            ["seed"] = options.GetValue(Seed),
            ["kills"] = options.GetValue(Kills),
            ["acked"] = clients.Acknowledged.Count,
            ["lost"] = clients.Acknowledged.Keys.Count(id => !booked.Contains(id)),
            ["doubled"] = tips - booked.Count + booked.Count(id => !clients.Acknowledged.ContainsKey(id)),
            ["sum"] = (long)proof.Sum,
            ["mismatched_accounts"] = proof.MismatchedAccounts + expected.Count(account => balances.GetValueOrDefault(account.Key) != account.Value),
            ["chain_ok"] = proof.ChainIntact && proof.IsSound,
            ["sent_again"] = clients.SentAgain,
            ["booked_but_unanswered"] = clients.BookedButUnanswered,
        };
    }

    private readonly record struct SentTip(Guid Id, string From, string Stream, string Host, long Amount);

    /// <summary>Callers that each have one tip under way, and send it again after a crash.</summary>
    private sealed class Clients(int count, Random random)
    {
        private readonly Dictionary<Guid, SentTip> _open = [];
        private readonly HashSet<Guid> _sent = [];

        public Random Random { get; } = random;

        public Dictionary<Guid, SentTip> Acknowledged { get; } = [];

        public int OpenCount => _open.Count;

        public int SentAgain { get; private set; }

        /// <summary>Tips that were booked by a process that died before it said so.</summary>
        public int BookedButUnanswered { get; private set; }

        /// <summary>The lines to send: what a dead process did not answer, and new tips of callers that have none under way.</summary>
        public IEnumerable<string> Open(bool mayBegin)
        {
            foreach (var tip in _open.Values.Where(tip => _sent.Add(tip.Id)).ToArray())
                yield return Line(tip);
            while (mayBegin && _open.Count < count)
            {
                var stream = Random.Next(LedgerBench.Streams);
                var tip = new SentTip(LedgerBench.NewId(Random), LedgerBench.Wallet(Random.Next(Wallets)), LedgerBench.Stream(stream), $"host-{stream}", Random.Next(1, 1_000));
                _open.Add(tip.Id, tip);
                _sent.Add(tip.Id);
                yield return Line(tip);
            }
        }

        public void Answered(Guid id, long sequence, long bookedBefore)
        {
            if (!_open.Remove(id, out var tip))
                throw new InvalidOperationException($"The tip {id} was answered twice.");
            Acknowledged.Add(id, tip);
            BookedButUnanswered += sequence <= bookedBefore ? 1 : 0;
        }

        /// <summary>A process died: whatever is open must be sent again.</summary>
        public void Died()
        {
            SentAgain += _open.Count;
            _sent.Clear();
        }

        private static string Line(SentTip tip) => string.Create(CultureInfo.InvariantCulture, $"{tip.Id} {tip.From} {tip.Stream} {tip.Amount}");
    }
}
