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
        _upsertPending = new(connection, "INSERT INTO pending_transfers (number, pending_id, debit, credit, amount, created_at_ms, expires_at_ms, state, resolved_at_ms, resolved_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET state = excluded.state, resolved_at_ms = excluded.resolved_at_ms, resolved_by = excluded.resolved_by");
        _findPending = new(connection, $"{SelectPending} WHERE p.pending_id = ?");
        _insertFreeze = new(connection, "INSERT INTO freezes (sequence, account, frozen, actor, note, set_at_ms) VALUES (?, ?, ?, ?, ?, ?)");
        _upsertStanding = new(connection, "INSERT INTO relay_standings (account, good_windows, withheld) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE SET good_windows = excluded.good_windows, withheld = excluded.withheld");
        _insertRefused = new(connection, "INSERT INTO refused_work (sequence, stream_id, window, account_id, reason, bytes, microcredits, noted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        _deleteRefused = new(connection, "DELETE FROM refused_work WHERE sequence <= ?");
        _upsertDelivery = new(connection, "INSERT INTO deliveries (sponsorship_id, hour, viewer_ms, spent, to_relays) VALUES (?, ?, ?, ?, ?) ON CONFLICT (sponsorship_id, hour) DO UPDATE SET viewer_ms = excluded.viewer_ms, spent = excluded.spent, to_relays = excluded.to_relays");
    }

    private const string SelectPending =
        "SELECT p.number, p.pending_id, d.account_id, c.account_id, p.amount, p.created_at_ms, p.expires_at_ms, p.state, p.resolved_at_ms, p.resolved_by FROM pending_transfers p JOIN accounts d ON d.number = p.debit JOIN accounts c ON c.number = p.credit";

    /// <summary>The transfers that hold credits.</summary>
    public List<PendingTransfer> LoadPending(Func<string, Account> account) =>
        Query($"{SelectPending} WHERE p.state = {(int)PendingState.Pending}", row => Pending(row, account));

    public PendingTransfer? FindPending(Guid id, Func<string, Account> account)
    {
        if (!_findPending.Add(id).Read())
            return null;
        var pending = Pending(_findPending, account);
        _findPending.Reset();
        return pending;
    }

    /// <summary>Accounts that are frozen, and the highest sequence of the log.</summary>
    public (long Last, List<string> Accounts) LoadFreezes() =>
        (Query("SELECT coalesce(max(sequence), 0) FROM freezes", row => row.Long(0))[0],
            Query("SELECT a.account_id FROM freezes f JOIN accounts a ON a.number = f.account WHERE f.frozen = 1 AND f.sequence = (SELECT max(l.sequence) FROM freezes l WHERE l.account = f.account)", row => row.Text(0)));

    public Dictionary<string, RelayStanding> LoadStandings() =>
        Query("SELECT a.account_id, s.good_windows, s.withheld FROM relay_standings s JOIN accounts a ON a.number = s.account", row => (Id: row.Text(0), Standing: new RelayStanding(row.Int(1), row.Long(2))))
            .ToDictionary(entry => entry.Id, entry => entry.Standing, StringComparer.Ordinal);

    public long LoadLastRefused() => Query("SELECT coalesce(max(sequence), 0) FROM refused_work", row => row.Long(0))[0];

    /// <summary>Writes within the transaction that is open.</summary>
    /// <param name="refusedKept">Rows of refused work that stay.</param>
    public void Write(Changes changes, long nowMs, int refusedKept)
    {
        var operations = changes.Operations;
        foreach (var p in operations.Pending.Values)
            _upsertPending.Add(p.Number).Add(p.Id).Add(p.Debit.Number).Add(p.Credit.Number).Add(p.Amount).Add(p.CreatedAtMs).Add(p.ExpiresAtMs).Add((int)p.State).Add(p.ResolvedAtMs).Add(p.ResolvedBy).Run();
        foreach (var f in operations.Freezes)
            _insertFreeze.Add(f.Sequence).Add(f.Account.Number).Add(f.Frozen).Add(f.Actor).Add(f.Note).Add(nowMs).Run();
        foreach (var (account, standing) in operations.Standings)
            _upsertStanding.Add(account.Number).Add(standing.GoodWindows).Add(standing.Withheld).Run();
        foreach (var r in operations.Refused)
            _insertRefused.Add(r.Sequence).Add(r.StreamId).Add(r.Window).Add(r.Work.AccountId).Add((int)r.Work.Reason).Add(r.Work.Bytes).Add(r.Work.Microcredits).Add(nowMs).Run();
        if (operations.Refused.Count > 0)
            _deleteRefused.Add(operations.Refused[^1].Sequence - refusedKept).Run();
        foreach (var s in changes.Sponsorships.Values)
        {
            if (s.ThisHour != default)
                _upsertDelivery.Add(s.Id).Add(s.Hour).Add(s.ThisHour.ViewerMs).Add(s.ThisHour.Spent).Add(s.ThisHour.ToRelays).Run();
        }
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _upsertPending, _findPending, _insertFreeze, _upsertStanding, _insertRefused, _deleteRefused, _upsertDelivery })
            statement.Dispose();
    }

    private static PendingTransfer Pending(PreparedStatement row, Func<string, Account> account) => new(
        row.Long(0),
        row.Id(1),
        account(row.Text(2)),
        account(row.Text(3)),
        row.Long(4),
        row.Long(5),
        row.Long(6),
        (PendingState)row.Int(7),
        row.IsNull(8) ? null : row.Long(8),
        row.IsNull(9) ? null : row.Id(9));

    private List<T> Query<T>(string sql, Func<PreparedStatement, T> map)
    {
        using var rows = new PreparedStatement(_connection, sql);
        var found = new List<T>();
        while (rows.Read())
            found.Add(map(rows));
        return found;
    }
}
