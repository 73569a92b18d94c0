using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;

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
    private static readonly string[] Triggers =
        ["accounts_identity", "accounts_no_delete", "batches_no_delete", "batches_no_update", "chain_no_delete", "chain_no_update", "transfers_no_delete", "transfers_no_update"];

    public bool IsSound => ProblemCount == 0;

    /// <summary>
    /// Replays a file, which may be in use: everything is read in one snapshot. A file that cannot be read to its end, or is
    /// no ledger, is not sound.
    /// </summary>
    public static LedgerProof Of(string path)
    {
        var problems = new List<string>();
        using var replay = new JournalReplay();
        var (unique, appendOnly, finished) = (false, false, false);
        try
        {
            if (!File.Exists(path))
                throw new FileNotFoundException($"There is no file {path}.");
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
            connection.Open();
            // One snapshot for everything.
            using var begin = new PreparedStatement(connection, "BEGIN");
            begin.Run();
            // Pages and indexes first: what is read through them afterwards can then be believed.
            problems.AddRange(Texts(connection, $"PRAGMA integrity_check({JournalReplay.ProblemsKept})").Where(line => line != "ok"));
            var twice = Texts(connection, "SELECT hex(batch_id) FROM batches NOT INDEXED GROUP BY batch_id HAVING count(*) > 1 LIMIT 20");
            problems.AddRange(twice.Select(id => $"the batch id {id} stands in the journal more than once"));
            unique = twice.Count == 0;
            var missing = Triggers.Except(Texts(connection, "SELECT name FROM sqlite_master WHERE type = 'trigger'"), StringComparer.Ordinal).ToArray();
            problems.AddRange(missing.Select(trigger => $"the trigger {trigger} is missing"));
            appendOnly = missing.Length == 0;
            replay.AdvanceToEnd(connection);
            finished = true;
        }
        catch (Exception exception) when (exception is SqliteException or InvalidDataException or IOException)
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

    public JsonObject ToJson(string path) => new()
    {
        ["file"] = path,
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

    private static List<string> Texts(SqliteConnection connection, string sql)
    {
        using var rows = new PreparedStatement(connection, sql);
        var texts = new List<string>();
        while (rows.Read())
            texts.Add(rows.Text(0));
        return texts;
    }
}
