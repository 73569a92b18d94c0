using Beacon.Ledger.Books;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The part of the file beside the journal: holds, freezes, standings of relays, refused work. Shares the connection and the
/// transactions of <see cref="LedgerStore"/>.
/// </summary>
internal sealed class OperationStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly PreparedStatement _upsertPending;
    private readonly PreparedStatement _findPending;
    private readonly PreparedStatement _insertFreeze;
    private readonly PreparedStatement _upsertStanding;
    private readonly PreparedStatement _insertRefused;
    private readonly PreparedStatement _deleteRefused;
    private readonly PreparedStatement _upsertDelivery;

    public OperationStore(SqliteConnection connection)
    {
        _connection = connection;
        _upsertPending = new(connection, "INSERT INTO pending_transfers (number, pending_id, debit, credit, amount, created_at_ms, expires_at_ms, state, resolved_at_ms, resolved_by) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10) ON CONFLICT (number) DO UPDATE SET state = excluded.state, resolved_at_ms = excluded.resolved_at_ms, resolved_by = excluded.resolved_by");
        _findPending = new(connection, $"{SelectPending} WHERE p.pending_id = @p1");
        _insertFreeze = new(connection, "INSERT INTO freezes (sequence, account, frozen, actor, note, set_at_ms) VALUES (@p1, @p2, @p3, @p4, @p5, @p6)");
        _upsertStanding = new(connection, "INSERT INTO relay_standings (account, good_windows, withheld) VALUES (@p1, @p2, @p3) ON CONFLICT (account) DO UPDATE SET good_windows = excluded.good_windows, withheld = excluded.withheld");
        _insertRefused = new(connection, "INSERT INTO refused_work (sequence, stream_id, window, account_id, reason, bytes, microcredits, noted_at_ms) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8)");
        _deleteRefused = new(connection, "DELETE FROM refused_work WHERE sequence <= @p1");
        _upsertDelivery = new(connection, "INSERT INTO deliveries (sponsorship_id, hour, viewer_ms, spent, to_relays) VALUES (@p1, @p2, @p3, @p4, @p5) ON CONFLICT (sponsorship_id, hour) DO UPDATE SET viewer_ms = excluded.viewer_ms, spent = excluded.spent, to_relays = excluded.to_relays");
    }

    private const string SelectPending =
        "SELECT p.number, p.pending_id, d.account_id, c.account_id, p.amount, p.created_at_ms, p.expires_at_ms, p.state, p.resolved_at_ms, p.resolved_by FROM pending_transfers p JOIN accounts d ON d.number = p.debit JOIN accounts c ON c.number = p.credit";

    /// <summary>The transfers that hold credits.</summary>
    public List<PendingTransfer> LoadPending(Func<string, Account> account) =>
        Query($"{SelectPending} WHERE p.state = {(int)PendingState.Pending}", row => Pending(row, account));

    public PendingTransfer? FindPending(Guid id, Func<string, Account> account)
    {
        using var row = _findPending.Read(Bytes(id));
        return row.Read() ? Pending(row, account) : null;
    }

    /// <summary>Accounts that are frozen, and the highest sequence of the log.</summary>
    public (long Last, List<string> Accounts) LoadFreezes() =>
        (Query("SELECT coalesce(max(sequence), 0) FROM freezes", row => row.GetInt64(0))[0],
            Query("SELECT a.account_id FROM freezes f JOIN accounts a ON a.number = f.account WHERE f.frozen = 1 AND f.sequence = (SELECT max(l.sequence) FROM freezes l WHERE l.account = f.account)", row => row.GetString(0)));

    public Dictionary<string, RelayStanding> LoadStandings() =>
        Query("SELECT a.account_id, s.good_windows, s.withheld FROM relay_standings s JOIN accounts a ON a.number = s.account", row => (Id: row.GetString(0), Standing: new RelayStanding(row.GetInt32(1), row.GetInt64(2))))
            .ToDictionary(entry => entry.Id, entry => entry.Standing, StringComparer.Ordinal);

    public long LoadLastRefused() => Query("SELECT coalesce(max(sequence), 0) FROM refused_work", row => row.GetInt64(0))[0];

    /// <summary>Writes within the transaction that is open.</summary>
    /// <param name="refusedKept">Rows of refused work that stay.</param>
    public void Write(Changes changes, long nowMs, int refusedKept)
    {
        var operations = changes.Operations;
        foreach (var p in operations.Pending.Values)
            _upsertPending.Run(p.Number, Bytes(p.Id), p.Debit.Number, p.Credit.Number, p.Amount, p.CreatedAtMs, p.ExpiresAtMs, (int)p.State, p.ResolvedAtMs, p.ResolvedBy is { } by ? Bytes(by) : null);
        foreach (var f in operations.Freezes)
            _insertFreeze.Run(f.Sequence, f.Account.Number, f.Frozen, f.Actor, f.Note, nowMs);
        foreach (var (account, standing) in operations.Standings)
            _upsertStanding.Run(account.Number, standing.GoodWindows, standing.Withheld);
        foreach (var r in operations.Refused)
            _insertRefused.Run(r.Sequence, r.StreamId, r.Window, r.Work.AccountId, (int)r.Work.Reason, r.Work.Bytes, r.Work.Microcredits, nowMs);
        if (operations.Refused.Count > 0)
            _deleteRefused.Run(operations.Refused[^1].Sequence - refusedKept);
        foreach (var s in changes.Sponsorships.Values)
        {
            if (s.ThisHour != default)
                _upsertDelivery.Run(Bytes(s.Id), s.Hour, s.ThisHour.ViewerMs, s.ThisHour.Spent, s.ThisHour.ToRelays);
        }
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _upsertPending, _findPending, _insertFreeze, _upsertStanding, _insertRefused, _deleteRefused, _upsertDelivery })
            statement.Dispose();
    }

    private static PendingTransfer Pending(SqliteDataReader row, Func<string, Account> account) => new(
        row.GetInt64(0),
        Id(row, 1),
        account(row.GetString(2)),
        account(row.GetString(3)),
        row.GetInt64(4),
        row.GetInt64(5),
        row.GetInt64(6),
        (PendingState)row.GetInt32(7),
        row.IsDBNull(8) ? null : row.GetInt64(8),
        row.IsDBNull(9) ? null : Id(row, 9));

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> map)
    {
        using var statement = new PreparedStatement(_connection, sql);
        using var rows = statement.Read();
        var found = new List<T>();
        while (rows.Read())
            found.Add(map(rows));
        return found;
    }

    private static byte[] Bytes(Guid id) => id.ToByteArray(bigEndian: true);

    private static Guid Id(SqliteDataReader row, int column) => new(row.GetFieldValue<byte[]>(column), bigEndian: true);
}
