using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The part of the file beside the journal: holds, freezes, standings of relays, refused work. Shares the connection and the
/// transactions of <see cref="SqliteStore"/>.
/// </summary>
internal sealed class SqliteOperations : IDisposable
{
    private readonly PreparedStatement _upsertPending;
    private readonly PreparedStatement _findPending;
    private readonly PreparedStatement _insertFreeze;
    private readonly PreparedStatement _upsertStanding;
    private readonly PreparedStatement _insertRefused;
    private readonly PreparedStatement _deleteRefused;
    private readonly PreparedStatement _upsertDelivery;

    public SqliteOperations(sqlite3 database, string findPending)
    {
        _upsertPending = new(database, "INSERT INTO pending_transfers (number, pending_id, debit, credit, amount, created_at_ms, expires_at_ms, state, resolved_at_ms, resolved_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET state = excluded.state, resolved_at_ms = excluded.resolved_at_ms, resolved_by = excluded.resolved_by");
        _findPending = new(database, findPending);
        _insertFreeze = new(database, "INSERT INTO freezes (sequence, account, frozen, actor, note, set_at_ms) VALUES (?, ?, ?, ?, ?, ?)");
        _upsertStanding = new(database, "INSERT INTO relay_standings (account, good_windows, withheld) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE SET good_windows = excluded.good_windows, withheld = excluded.withheld");
        _insertRefused = new(database, "INSERT INTO refused_work (sequence, stream_id, window, account_id, reason, bytes, microcredits, noted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        _deleteRefused = new(database, "DELETE FROM refused_work WHERE sequence <= ?");
        _upsertDelivery = new(database, "INSERT INTO deliveries (sponsorship_id, hour, viewer_ms, spent, to_relays) VALUES (?, ?, ?, ?, ?) ON CONFLICT (sponsorship_id, hour) DO UPDATE SET viewer_ms = excluded.viewer_ms, spent = excluded.spent, to_relays = excluded.to_relays");
    }

    /// <summary>A statement that stands at the pending transfer, or null.</summary>
    public PreparedStatement? FindPending(Guid id) => _findPending.Add(id).Read() ? _findPending : null;

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
}
