using System.Data.Common;
using System.Globalization;
using System.Text.Json.Nodes;
using Beacon.Ledger.Journal.Postgres;

namespace Beacon.Ledger.Journal;

/// <summary>What a whole ledger file proves about itself.</summary>
/// <param name="Problems">The first of them, as sentences; <paramref name="ProblemCount"/> counts all.</param>
/// <param name="Head">The hash of the last link, in hex: two files with the same head have the same journal.</param>
internal sealed record LedgerProof(
    int Accounts,
    long Batches,
    long Transfers,
    long Links,
    string Head,
    Int128 Sum,
    int MismatchedAccounts,
    bool ChainIntact,
    bool KeysUnique,
    bool IsAppendOnly,
    long ProblemCount,
    IReadOnlyList<string> Problems)
{
    /// <summary>Between two words of progress: a moment's work.</summary>
    private const long RowsAtOnce = 100_000;

    private static readonly string[] Triggers =
        ["accounts_identity", "accounts_no_delete", "batches_no_delete", "batches_no_update", "chain_no_delete", "chain_no_update", "transfers_no_delete", "transfers_no_update"];

    public bool IsSound => ProblemCount == 0;

    /// <summary>
    /// Replays a file, or a PostgreSQL database, which may be in use: everything is read in one snapshot. What cannot be read
    /// to its end, or is no ledger, is not sound.
    /// </summary>
    /// <param name="target">The path of a file, or a connection string.</param>
    /// <param name="progress">Hears the share of the journal that was replayed, 0 to 1.</param>
    public static LedgerProof Of(string target, IProgress<double>? progress = null)
    {
        var problems = new List<string>();
        using var replay = new JournalReplay();
        var (unique, appendOnly, finished) = (false, false, false);
        try
        {
            using var journal = Open(target);
            // Pages and indexes first: what is read through them afterwards can then be believed.
            problems.AddRange(journal.Damage(JournalReplay.ProblemsKept));
            var twice = journal.RepeatedIds(JournalReplay.ProblemsKept);
            problems.AddRange(twice.Select(id => $"the batch id {id} stands in the journal more than once"));
            unique = twice.Count == 0;
            var missing = Triggers.Except(journal.Triggers(), StringComparer.Ordinal).ToArray();
            problems.AddRange(missing.Select(trigger => $"the trigger {trigger} is missing"));
            appendOnly = missing.Length == 0;
            var (accounts, batches, transfers) = journal.Ends();
            while (!replay.Advance(journal, RowsAtOnce))
                progress?.Report((double)(replay.Accounts + replay.Batches + replay.Transfers) / (accounts + batches + transfers));
            progress?.Report(1);
            finished = true;
        }
        catch (Exception exception) when (exception is DbException or InvalidDataException or IOException or ArgumentException)
        {
            problems.Add(exception.Message);
        }

        problems.AddRange(replay.Problems);
        return new LedgerProof(
            replay.Accounts,
            replay.Batches,
            replay.Transfers,
            replay.Head.Number,
            Convert.ToHexStringLower(replay.Head.Hash),
            replay.Sum,
            replay.MismatchedAccounts,
            finished && replay.BrokenLinks == 0,
            unique,
            appendOnly,
            problems.Count - replay.Problems.Count + replay.ProblemCount,
            [.. problems.Take(JournalReplay.ProblemsKept)]);
    }

    public JsonObject ToJson(string target) => new()
    {
        ["file"] = LedgerServer.IsMeant(target) ? new LedgerServer(target).Name : target,
        ["sound"] = IsSound,
        ["accounts"] = Accounts,
        ["batches"] = Batches,
        ["transfers"] = Transfers,
        ["links"] = Links,
        ["head"] = Head,
        ["sum"] = Sum.ToString(CultureInfo.InvariantCulture),
        ["mismatched_accounts"] = MismatchedAccounts,
        ["chain_ok"] = ChainIntact,
        ["keys_unique"] = KeysUnique,
        ["append_only"] = IsAppendOnly,
        ["problem_count"] = ProblemCount,
        ["problems"] = new JsonArray([.. Problems.Select(problem => JsonValue.Create(problem))]),
    };

    private static IJournalReader Open(string target)
    {
        if (LedgerServer.IsMeant(target))
            return new LedgerServer(target).OpenJournal();
        return File.Exists(target) ? LedgerFile.ToRead(target).OpenJournal() : throw new FileNotFoundException($"There is no file {target}.");
    }
}
