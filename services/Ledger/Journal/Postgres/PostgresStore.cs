using System.Data.Common;
using Beacon.Ledger.Books;
using Npgsql;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>
/// The store in a PostgreSQL database. A group is one batch of statements, each over arrays of all its rows: one way there
/// and back, one transaction, however many rows. The session that it is given holds the lock of the one who writes.
/// </summary>
internal sealed class PostgresStore : LedgerStore
{
    private readonly NpgsqlConnection _session;
    private readonly ChainHash _hash = new();
    private readonly HashSet<Guid> _absent = [];
    private ChainLink _last;

    public PostgresStore(NpgsqlConnection session)
    {
        _session = session;
        _last = LoadChain(() => ChainLink.Genesis);
    }

    public override bool LooksAhead => true;

    public override void Expect(IReadOnlyList<Guid> batchIds)
    {
        _absent.Clear();
        if (batchIds.Count == 0)
            return;
        using var known = PostgresRows.Of(_session, "SELECT batch_id FROM batches WHERE batch_id = ANY($1)", (object)batchIds.Select(Bytes).ToArray());
        _absent.UnionWith(batchIds);
        while (known.Read())
            _absent.Remove(known.Id(0));
    }

    public override PostedBatch? FindBatch(Guid batchId, Func<string, Account> account)
    {
        if (_absent.Contains(batchId))
            return null;
        using var batch = PostgresRows.Of(_session, """SELECT sequence, content, booked_at_ms, code, "window" FROM batches WHERE batch_id = $1""", Bytes(batchId));
        if (!batch.Read())
            return null;
        using var row = PostgresRows.Of(
            _session,
            $"{JournalSql.TransfersOfBatch} $1 ORDER BY t.sequence",
            batch.Long(0));
        var transfers = new List<Transfer>();
        while (row.Read())
            transfers.Add(new Transfer(row.Long(0), row.Id(1), account(row.Text(2)), account(row.Text(3)), row.Long(4), row.Long(5), row.Long(6)));
        return new PostedBatch(batch.Long(0), batchId, batch.Id(1), batch.Long(2), transfers, (TransferCode)batch.Int(3), batch.IsNull(4) ? null : batch.Long(4));
    }

    public override Guid? LastTimedId(long fromMs, long toMs)
    {
        using var last = PostgresRows.Of(
            _session,
            "SELECT batch_id FROM batches WHERE batch_id >= $1 AND batch_id < $2 AND get_byte(batch_id, 6) >> 4 = 7 ORDER BY batch_id DESC LIMIT 1",
            Bytes(TimedIds.FirstOf(fromMs)),
            Bytes(TimedIds.FirstOf(toMs)));
        return last.Read() ? last.Id(0) : null;
    }

    public override StreamRecord? FindStream(string streamId)
    {
        using var row = PostgresRows.Of(_session, "SELECT broadcaster, started_at_ms, ended_at_ms, squad_version FROM streams WHERE stream_id = $1", streamId);
        if (!row.Read())
            return null;
        using var member = PostgresRows.Of(_session, "SELECT account_id, share_bps FROM squad_members WHERE stream_id = $1 ORDER BY position", streamId);
        var squad = new List<SquadShare>();
        while (member.Read())
            squad.Add(new SquadShare(member.Text(0), member.Int(1)));
        return new StreamRecord(streamId, row.Text(0), row.Long(1), row.IsNull(2) ? null : row.Long(2), row.Long(3), squad);
    }

    public override PendingTransfer? FindPending(Guid id, Func<string, Account> account)
    {
        using var row = PostgresRows.Of(_session, $"{SelectPending} WHERE p.pending_id = $1", Bytes(id));
        return row.Read() ? Pending(row, account) : null;
    }

    public override void End()
    {
        // What is looked up holds no transaction open.
    }

    public override void Commit(Changes changes, long nowMs, int refusedKept)
    {
        // Without an explicit transaction a batch is one of its own: all of it or nothing, and durable when it returns.
        using var group = new NpgsqlBatch(_session);
        var link = changes.HasJournal ? _hash.Link(_last, changes) : _last;
        if (changes.HasJournal)
            WriteJournal(group, changes, link);
        WriteAccounts(group, changes);
        WriteStreams(group, [.. changes.Streams.Values]);
        WriteSponsorships(group, [.. changes.Sponsorships.Values]);
        WriteOperations(group, changes.Operations, nowMs, refusedKept);
        WriteOutbox(group, changes);
        group.ExecuteNonQuery();
        _last = link;
    }

    public override void Dispose()
    {
        _hash.Dispose();
        try
        {
            // The server notices the end of a session a moment later; who waits need not.
            using var giveBack = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", _session);
            giveBack.ExecuteNonQuery();
        }
        catch (Exception exception) when (exception is DbException or InvalidOperationException)
        {
            // The session is gone, and the lock with it.
        }

        _session.Dispose();
    }

    protected override IRows Query(string sql) => PostgresRows.Of(_session, sql);

    private static byte[] Bytes(Guid id) => id.ToByteArray(bigEndian: true);

    private static void Add(NpgsqlBatch group, string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        group.BatchCommands.Add(command);
    }

    /// <summary>One statement for all rows: a column of the table is an array. Does nothing without rows.</summary>
    /// <param name="sql">Names the arrays $1, $2 and so on.</param>
    private static void AddRows<T>(NpgsqlBatch group, IReadOnlyCollection<T> rows, string sql, params Func<IReadOnlyCollection<T>, object>[] columns)
    {
        if (rows.Count > 0)
            Add(group, sql, [.. columns.Select(column => column(rows))]);
    }

    /// <summary>A column as an array.</summary>
    private static Func<IReadOnlyCollection<T>, object> Column<T, TValue>(Func<T, TValue> value) => rows =>
    {
        var values = new TValue[rows.Count];
        var i = 0;
        foreach (var row in rows)
            values[i++] = value(row);
        return values;
    };

    private static void WriteJournal(NpgsqlBatch group, Changes changes, ChainLink link)
    {
        AddRows(
            group,
            changes.Opened,
            "INSERT INTO accounts (number, account_id, kind, may_go_negative, display_name, opened_at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
            Column((Account a) => a.Number), Column((Account a) => a.Id), Column((Account a) => (int)a.Kind), Column((Account a) => a.MayGoNegative),
            Column((Account a) => a.DisplayName), Column((Account a) => a.OpenedAtMs));
        AddRows(
            group,
            changes.Batches,
            """INSERT INTO batches (sequence, batch_id, content, code, actor, reference, "window", booked_at_ms, legs, last_transfer) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Posted.Sequence),
            Column(((TransferBatch Request, PostedBatch Posted) b) => Bytes(b.Posted.Id)),
            Column(((TransferBatch Request, PostedBatch Posted) b) => Bytes(b.Posted.Content)),
            Column(((TransferBatch Request, PostedBatch Posted) b) => (int)b.Request.Code),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Request.Actor),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Request.Reference),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Request.Window),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Posted.BookedAtMs),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Posted.Transfers.Count),
            Column(((TransferBatch Request, PostedBatch Posted) b) => b.Posted.LastTransfer));
        var marks = new List<(int Account, long Transfer)>();
        (long Batch, Transfer Row, long DebitBefore, long CreditBefore)[] transfers = [.. changes.Batches.SelectMany(batch => batch.Posted.Transfers.Select(t =>
            (batch.Posted.Sequence, t, History.Append(t.Debit, t.Sequence, marks), History.Append(t.Credit, t.Sequence, marks))))];
        AddRows(
            group,
            transfers,
            "INSERT INTO transfers (sequence, transfer_id, batch, debit, credit, amount, debit_balance, credit_balance, debit_before, credit_before) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.Sequence), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => Bytes(t.Row.Id)), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Batch),
            Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.Debit.Number), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.Credit.Number), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.Amount),
            Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.DebitBalance), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.Row.CreditBalance),
            Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.DebitBefore), Column(((long Batch, Transfer Row, long DebitBefore, long CreditBefore) t) => t.CreditBefore));
        AddRows(
            group,
            marks,
            "INSERT INTO marks (account, transfer) SELECT * FROM unnest($1, $2)",
            Column(((int Account, long Transfer) m) => m.Account), Column(((int Account, long Transfer) m) => m.Transfer));
        Add(
            group,
            "INSERT INTO chain (link, last_account, last_batch, last_transfer, hash) VALUES ($1, $2, $3, $4, $5)",
            link.Number, link.LastAccount, link.LastBatch, link.LastTransfer, link.Hash);
    }

    private static void WriteAccounts(NpgsqlBatch group, Changes changes)
    {
        AddRows(
            group,
            changes.Touched,
            """
            INSERT INTO balances (account, may_go_negative, balance, relay_earnings, last_transfer, transfers) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
            ON CONFLICT (account) DO UPDATE SET balance = excluded.balance, relay_earnings = excluded.relay_earnings, last_transfer = excluded.last_transfer, transfers = excluded.transfers
            """,
            Column((Account a) => a.Number), Column((Account a) => a.MayGoNegative), Column((Account a) => a.Balance), Column((Account a) => a.RelayEarnings),
            Column((Account a) => a.LastTransfer), Column((Account a) => a.Transfers));
        AddRows(
            group,
            changes.Renamed,
            "UPDATE accounts SET display_name = n.name FROM unnest($1, $2) AS n(number, name) WHERE accounts.number = n.number",
            Column((Account a) => a.Number), Column((Account a) => a.DisplayName));
    }

    private static void WriteStreams(NpgsqlBatch group, IReadOnlyCollection<StreamRecord> streams)
    {
        AddRows(
            group,
            streams,
            """
            INSERT INTO streams (stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version) SELECT * FROM unnest($1, $2, $3, $4, $5)
            ON CONFLICT (stream_id) DO UPDATE SET started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms, squad_version = excluded.squad_version
            """,
            Column((StreamRecord s) => s.StreamId), Column((StreamRecord s) => s.BroadcasterAccountId), Column((StreamRecord s) => s.StartedAtMs),
            Column((StreamRecord s) => s.EndedAtMs), Column((StreamRecord s) => s.SquadVersion));
        AddRows(group, streams, "DELETE FROM squad_members WHERE stream_id = ANY($1)", Column((StreamRecord s) => s.StreamId));
        (string Stream, int Position, SquadShare Share)[] members = [.. streams.SelectMany(stream => stream.Squad.Select((share, i) => (stream.StreamId, i, share)))];
        AddRows(
            group,
            members,
            "INSERT INTO squad_members (stream_id, position, account_id, share_bps) SELECT * FROM unnest($1, $2, $3, $4)",
            Column(((string Stream, int Position, SquadShare Share) m) => m.Stream), Column(((string Stream, int Position, SquadShare Share) m) => m.Position),
            Column(((string Stream, int Position, SquadShare Share) m) => m.Share.AccountId), Column(((string Stream, int Position, SquadShare Share) m) => m.Share.ShareBps));
    }

    private static void WriteSponsorships(NpgsqlBatch group, IReadOnlyCollection<Sponsorship> sponsorships)
    {
        AddRows(
            group,
            sponsorships,
            """
            INSERT INTO sponsorships (sponsorship_id, stream_id, sponsor, budget, spent, rate, state, created_at_ms, max_per_hour, campaign_ms, viewer_ms, to_relays, number)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (sponsorship_id) DO UPDATE SET budget = excluded.budget, spent = excluded.spent, state = excluded.state, viewer_ms = excluded.viewer_ms, to_relays = excluded.to_relays
            """,
            Column((Sponsorship s) => Bytes(s.Id)), Column((Sponsorship s) => s.StreamId), Column((Sponsorship s) => s.SponsorAccountId), Column((Sponsorship s) => s.Budget),
            Column((Sponsorship s) => s.Spent), Column((Sponsorship s) => s.Rate), Column((Sponsorship s) => (int)s.State), Column((Sponsorship s) => s.CreatedAtMs),
            Column((Sponsorship s) => s.Pace.MaxPerHour), Column((Sponsorship s) => s.Pace.CampaignMs), Column((Sponsorship s) => s.Total.ViewerMs),
            Column((Sponsorship s) => s.Total.ToRelays), Column((Sponsorship s) => s.Number));
        AddRows(
            group,
            [.. sponsorships.Where(sponsorship => sponsorship.ThisHour != default)],
            """
            INSERT INTO deliveries (sponsorship_id, hour, viewer_ms, spent, to_relays) SELECT * FROM unnest($1, $2, $3, $4, $5)
            ON CONFLICT (sponsorship_id, hour) DO UPDATE SET viewer_ms = excluded.viewer_ms, spent = excluded.spent, to_relays = excluded.to_relays
            """,
            Column((Sponsorship s) => Bytes(s.Id)), Column((Sponsorship s) => s.Hour), Column((Sponsorship s) => s.ThisHour.ViewerMs),
            Column((Sponsorship s) => s.ThisHour.Spent), Column((Sponsorship s) => s.ThisHour.ToRelays));
    }

    private static void WriteOperations(NpgsqlBatch group, OperationChanges operations, long nowMs, int refusedKept)
    {
        AddRows(
            group,
            operations.Pending.Values,
            """
            INSERT INTO pending_transfers (number, pending_id, debit, credit, amount, created_at_ms, expires_at_ms, state, resolved_at_ms, resolved_by)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (number) DO UPDATE SET state = excluded.state, resolved_at_ms = excluded.resolved_at_ms, resolved_by = excluded.resolved_by
            """,
            Column((PendingTransfer p) => p.Number), Column((PendingTransfer p) => Bytes(p.Id)), Column((PendingTransfer p) => p.Debit.Number), Column((PendingTransfer p) => p.Credit.Number),
            Column((PendingTransfer p) => p.Amount), Column((PendingTransfer p) => p.CreatedAtMs), Column((PendingTransfer p) => p.ExpiresAtMs), Column((PendingTransfer p) => (int)p.State),
            Column((PendingTransfer p) => p.ResolvedAtMs), Column((PendingTransfer p) => p.ResolvedBy is { } by ? Bytes(by) : null));
        AddRows(
            group,
            operations.Freezes,
            "INSERT INTO freezes (sequence, account, frozen, actor, note, set_at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
            Column((Freeze f) => f.Sequence), Column((Freeze f) => f.Account.Number), Column((Freeze f) => f.Frozen), Column((Freeze f) => f.Actor), Column((Freeze f) => f.Note), Column((Freeze _) => nowMs));
        AddRows(
            group,
            operations.Standings,
            """
            INSERT INTO relay_standings (account, good_windows, withheld) SELECT * FROM unnest($1, $2, $3)
            ON CONFLICT (account) DO UPDATE SET good_windows = excluded.good_windows, withheld = excluded.withheld
            """,
            Column((KeyValuePair<Account, RelayStanding> s) => s.Key.Number), Column((KeyValuePair<Account, RelayStanding> s) => s.Value.GoodWindows), Column((KeyValuePair<Account, RelayStanding> s) => s.Value.Withheld));
        AddRows(
            group,
            operations.Refused,
            """INSERT INTO refused_work (sequence, stream_id, "window", account_id, reason, bytes, microcredits, noted_at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)""",
            Column((RefusedRow r) => r.Sequence), Column((RefusedRow r) => r.StreamId), Column((RefusedRow r) => r.Window), Column((RefusedRow r) => r.Work.AccountId),
            Column((RefusedRow r) => (int)r.Work.Reason), Column((RefusedRow r) => r.Work.Bytes), Column((RefusedRow r) => r.Work.Microcredits), Column((RefusedRow _) => nowMs));
        if (operations.Refused.Count > 0)
            Add(group, "DELETE FROM refused_work WHERE sequence <= $1", operations.Refused[^1].Sequence - refusedKept);
    }

    private static void WriteOutbox(NpgsqlBatch group, Changes changes)
    {
        AddRows(
            group,
            changes.Outbox,
            "INSERT INTO outbox (sequence, type, payload) SELECT * FROM unnest($1, $2, $3)",
            Column((OutboxMessage m) => m.Sequence), Column((OutboxMessage m) => m.Type), Column((OutboxMessage m) => m.Payload));
        if (changes.PublishedThrough is { } published)
        {
            Add(group, "DELETE FROM outbox WHERE sequence <= $1", published);
            Add(group, "UPDATE outbox_cursor SET published_through = $1 WHERE id = 1", published);
        }

        if (changes.PublishedTransfers is { } transfers)
            Add(group, "UPDATE outbox_cursor SET published_transfers = $1 WHERE id = 1", transfers);
    }
}
