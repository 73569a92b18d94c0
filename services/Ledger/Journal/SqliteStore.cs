using Beacon.Ledger.Books;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The store in a SQLite file. A commit has reached the disk when it returns (WAL, synchronous=FULL).
/// </summary>
internal sealed class SqliteStore : LedgerStore
{
    private const int PageBytes = 4096;

    private readonly sqlite3 _database;
    private readonly List<PreparedStatement> _statements = [];
    private readonly ChainHash _hash = new();
    private readonly PreparedStatement _begin;
    private readonly PreparedStatement _commit;
    private readonly PreparedStatement _rollback;
    private readonly PreparedStatement _insertAccount;
    private readonly PreparedStatement _renameAccount;
    private readonly InsertStatement _insertBatches;
    private readonly InsertStatement _insertTransfers;
    private readonly InsertStatement _insertMarks;
    private readonly InsertStatement _writeBalances;
    private readonly PreparedStatement _insertLink;
    private readonly PreparedStatement _upsertStream;
    private readonly PreparedStatement _deleteSquad;
    private readonly PreparedStatement _insertMember;
    private readonly PreparedStatement _upsertSponsorship;
    private readonly PreparedStatement _insertOutbox;
    private readonly PreparedStatement _deleteOutbox;
    private readonly PreparedStatement _moveCursor;
    private readonly PreparedStatement _moveTransferCursor;
    private readonly PreparedStatement _findBatch;
    private readonly PreparedStatement _findTransfers;
    private readonly PreparedStatement _findStream;
    private readonly PreparedStatement _findSquad;
    private readonly SqliteOperations _operations;
    private readonly List<Account> _touched = [];
    private readonly List<(int Account, long Transfer)> _marks = [];
    private ChainLink _last;
    private bool _inTransaction;

    public SqliteStore(string path, LedgerOptions options)
    {
        _database = Open(path);
        try
        {
            // Nobody else writes; an administrator may, by hand, and is waited for.
            Pragma("busy_timeout = 10000");
            Pragma("journal_mode = WAL");
            Pragma("synchronous = FULL");
            // A group's pages must fit, or SQLite writes them before the commit; and a checkpoint is worth its own two
            // synchronisations only when pages that changed often are written once.
            Pragma($"cache_size = -{options.PageCacheMegabytes * 1024}");
            Pragma($"wal_autocheckpoint = {options.CheckpointMegabytes * 1024 * 1024 / PageBytes}");
            _begin = Prepare("BEGIN");
            _commit = Prepare("COMMIT");
            _rollback = Prepare("ROLLBACK");
            _insertAccount = Prepare("INSERT INTO accounts (number, account_id, kind, may_go_negative, display_name, opened_at_ms) VALUES (?, ?, ?, ?, ?, ?)");
            _renameAccount = Prepare("UPDATE accounts SET display_name = ? WHERE number = ?");
            _insertBatches = new(_database, "batches (sequence, batch_id, content, code, actor, reference, window, booked_at_ms, legs, last_transfer)");
            _insertTransfers = new(_database, "transfers (sequence, transfer_id, batch, debit, credit, amount, debit_balance, credit_balance, debit_before, credit_before)");
            _insertMarks = new(_database, "marks (account, transfer)");
            _writeBalances = new(_database, "balances (account, may_go_negative, balance, relay_earnings, last_transfer, transfers)", "REPLACE");
            _insertLink = Prepare("INSERT INTO chain (link, last_account, last_batch, last_transfer, hash) VALUES (?, ?, ?, ?, ?)");
            _upsertStream = Prepare("INSERT INTO streams (stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version) VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream_id) DO UPDATE SET started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms, squad_version = excluded.squad_version");
            _deleteSquad = Prepare("DELETE FROM squad_members WHERE stream_id = ?");
            _insertMember = Prepare("INSERT INTO squad_members (stream_id, position, account_id, share_bps) VALUES (?, ?, ?, ?)");
            _upsertSponsorship = Prepare("INSERT INTO sponsorships (sponsorship_id, stream_id, sponsor, budget, spent, rate, state, created_at_ms, max_per_hour, campaign_ms, viewer_ms, to_relays, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sponsorship_id) DO UPDATE SET budget = excluded.budget, spent = excluded.spent, state = excluded.state, viewer_ms = excluded.viewer_ms, to_relays = excluded.to_relays");
            _insertOutbox = Prepare("INSERT INTO outbox (sequence, type, payload) VALUES (?, ?, ?)");
            _deleteOutbox = Prepare("DELETE FROM outbox WHERE sequence <= ?");
            _moveCursor = Prepare("UPDATE outbox_cursor SET published_through = ? WHERE id = 1");
            _moveTransferCursor = Prepare("UPDATE outbox_cursor SET published_transfers = ? WHERE id = 1");
            _findBatch = Prepare("SELECT sequence, content, booked_at_ms, code, window FROM batches WHERE batch_id = ?");
            _findTransfers = Prepare($"{JournalSql.TransfersOfBatch} ? ORDER BY t.sequence");
            _findStream = Prepare("SELECT stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version FROM streams WHERE stream_id = ?");
            _findSquad = Prepare("SELECT account_id, share_bps FROM squad_members WHERE stream_id = ? ORDER BY position");
            _operations = new SqliteOperations(_database, $"{SelectPending} WHERE p.pending_id = ?");
            _last = LoadChain(Seal);
        }
        catch
        {
            _operations?.Dispose();
            DisposeOwn();
            throw;
        }
    }

    public override PostedBatch? FindBatch(Guid batchId, Func<string, Account> account)
    {
        Begin();
        if (!_findBatch.Add(batchId).Read())
            return null;
        var (sequence, content, bookedAtMs, code) = (_findBatch.Long(0), _findBatch.Id(1), _findBatch.Long(2), (TransferCode)_findBatch.Int(3));
        long? window = _findBatch.IsNull(4) ? null : _findBatch.Long(4);
        _findBatch.Reset();

        var transfers = new List<Transfer>();
        var row = _findTransfers.Add(sequence);
        while (row.Read())
            transfers.Add(new Transfer(row.Long(0), row.Id(1), account(row.Text(2)), account(row.Text(3)), row.Long(4), row.Long(5), row.Long(6)));
        return new PostedBatch(sequence, batchId, content, bookedAtMs, transfers, code, window);
    }

    public override Guid? LastTimedId(long fromMs, long toMs)
    {
        using var last = new PreparedStatement(_database, "SELECT batch_id FROM batches WHERE batch_id >= ? AND batch_id < ? AND substr(batch_id, 7, 1) BETWEEN x'70' AND x'7f' ORDER BY batch_id DESC LIMIT 1");
        if (!last.Add(TimedIds.FirstOf(fromMs)).Add(TimedIds.FirstOf(toMs)).Read())
            return null;
        var id = last.Id(0);
        last.Reset();
        return id;
    }

    public override PendingTransfer? FindPending(Guid id, Func<string, Account> account)
    {
        Begin();
        return _operations.FindPending(id) is { } row ? Take(row, account) : null;
    }

    public override StreamRecord? FindStream(string streamId)
    {
        Begin();
        var row = _findStream.Add(streamId);
        if (!row.Read())
            return null;
        var (broadcaster, startedAtMs, squadVersion) = (row.Text(1), row.Long(2), row.Long(4));
        long? endedAtMs = row.IsNull(3) ? null : row.Long(3);
        row.Reset();

        var squad = new List<SquadShare>();
        var member = _findSquad.Add(streamId);
        while (member.Read())
            squad.Add(new SquadShare(member.Text(0), member.Int(1)));
        return new StreamRecord(streamId, broadcaster, startedAtMs, endedAtMs, squadVersion, squad);
    }

    /// <summary>
    /// Opens the transaction of a group, if it is not open. What is looked up while the group is decided is read in it: by
    /// itself, each look would cost more in locks of the file than in reading. It becomes one that writes with the first
    /// row, so that a file that cannot be written can still be read.
    /// </summary>
    private void Begin()
    {
        if (_inTransaction)
            return;
        _begin.Run();
        _inTransaction = true;
    }

    public override void End()
    {
        if (_inTransaction)
            TryRollback();
    }

    public override void Commit(Changes changes, long nowMs, int refusedKept)
    {
        Begin();
        try
        {
            var link = WriteJournal(changes);
            WriteAccounts(changes);
            WriteStreams(changes);
            foreach (var s in changes.Sponsorships.Values)
                _upsertSponsorship.Add(s.Id).Add(s.StreamId).Add(s.SponsorAccountId).Add(s.Budget).Add(s.Spent).Add(s.Rate).Add((int)s.State)
                    .Add(s.CreatedAtMs).Add(s.Pace.MaxPerHour).Add(s.Pace.CampaignMs).Add(s.Total.ViewerMs).Add(s.Total.ToRelays).Add(s.Number).Run();
            _operations.Write(changes, nowMs, refusedKept);
            WriteOutbox(changes);
            _commit.Run();
            _inTransaction = false;
            _last = link;
        }
        catch
        {
            TryRollback();
            throw;
        }
    }

    public override void Dispose()
    {
        _operations.Dispose();
        DisposeOwn();
    }

    private void DisposeOwn()
    {
        _insertBatches?.Dispose();
        _insertTransfers?.Dispose();
        _insertMarks?.Dispose();
        _writeBalances?.Dispose();
        foreach (var statement in _statements)
            statement.Dispose();
        _hash.Dispose();
        _database.Dispose();
    }

    /// <summary>The new rows of the journal, and the link that seals them.</summary>
    private ChainLink WriteJournal(Changes changes)
    {
        if (!changes.HasJournal)
            return _last;
        foreach (var a in changes.Opened)
            _insertAccount.Add(a.Number).Add(a.Id).Add((int)a.Kind).Add(a.MayGoNegative).Add(a.DisplayName).Add(a.OpenedAtMs).Run();
        var (batches, transfers) = (changes.Batches.Count, 0);
        foreach (var (request, posted) in changes.Batches)
        {
            _insertBatches.Next(batches--).Add(posted.Sequence).Add(posted.Id).Add(posted.Content).Add((int)request.Code).Add(request.Actor).Add(request.Reference).Add(request.Window).Add(posted.BookedAtMs)
                .Add(posted.Transfers.Count).Add(posted.LastTransfer);
            _insertBatches.Added();
            transfers += posted.Transfers.Count;
        }

        foreach (var (_, posted) in changes.Batches)
        {
            foreach (var t in posted.Transfers)
            {
                _insertTransfers.Next(transfers--).Add(t.Sequence).Add(t.Id).Add(posted.Sequence).Add(t.Debit.Number).Add(t.Credit.Number).Add(t.Amount).Add(t.DebitBalance).Add(t.CreditBalance)
                    .Add(History.Append(t.Debit, t.Sequence, _marks)).Add(History.Append(t.Credit, t.Sequence, _marks));
                _insertTransfers.Added();
            }
        }

        var marks = _marks.Count;
        foreach (var (account, transfer) in _marks)
        {
            _insertMarks.Next(marks--).Add(account).Add(transfer);
            _insertMarks.Added();
        }

        _marks.Clear();
        var link = _hash.Link(_last, changes);
        _insertLink.Add(link.Number).Add(link.LastAccount).Add(link.LastBatch).Add(link.LastTransfer).Add(link.Hash.AsSpan()).Run();
        return link;
    }

    private void WriteAccounts(Changes changes)
    {
        // In order, so that a statement of many rows stays on one page: it notes how each was that it changes.
        _touched.AddRange(changes.Touched);
        _touched.Sort(static (one, other) => one.Number.CompareTo(other.Number));
        var left = _touched.Count;
        foreach (var a in _touched)
        {
            _writeBalances.Next(left--).Add(a.Number).Add(a.MayGoNegative).Add(a.Balance).Add(a.RelayEarnings).Add(a.LastTransfer).Add(a.Transfers);
            _writeBalances.Added();
        }

        _touched.Clear();
        foreach (var a in changes.Renamed)
            _renameAccount.Add(a.DisplayName).Add(a.Number).Run();
    }

    private void WriteStreams(Changes changes)
    {
        foreach (var stream in changes.Streams.Values)
        {
            _upsertStream.Add(stream.StreamId).Add(stream.BroadcasterAccountId).Add(stream.StartedAtMs).Add(stream.EndedAtMs).Add(stream.SquadVersion).Run();
            _deleteSquad.Add(stream.StreamId).Run();
            for (var i = 0; i < stream.Squad.Count; i++)
                _insertMember.Add(stream.StreamId).Add(i).Add(stream.Squad[i].AccountId).Add(stream.Squad[i].ShareBps).Run();
        }
    }

    private void WriteOutbox(Changes changes)
    {
        foreach (var message in changes.Outbox)
            _insertOutbox.Add(message.Sequence).Add(message.Type).Add(message.Payload).Run();
        if (changes.PublishedThrough is { } published)
        {
            _deleteOutbox.Add(published).Run();
            _moveCursor.Add(published).Run();
        }

        if (changes.PublishedTransfers is { } transfers)
            _moveTransferCursor.Add(transfers).Run();
    }

    /// <summary>
    /// Opens a file that is there. Without SQLite's own locks, which cost a tenth of a transfer: one thread at a time uses this connection and
    /// its statements, and a <see cref="SqliteConnection"/> cannot be told so.
    /// </summary>
    private static sqlite3 Open(string path)
    {
        var result = raw.sqlite3_open_v2(path, out var database, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX, null);
        if (result == raw.SQLITE_OK)
            return database;
        var error = PreparedStatement.Error(database, result);
        database.Dispose();
        throw error;
    }

    protected override IRows Query(string sql) => new PreparedStatement(_database, sql);

    private static PendingTransfer Take(PreparedStatement row, Func<string, Account> account)
    {
        var pending = Pending(row, account);
        row.Reset();
        return pending;
    }

    private ChainLink Seal()
    {
        using var journal = new SqliteJournal(_database);
        var sealing = JournalReplay.Seal(journal);
        _insertLink.Add(sealing.Number).Add(sealing.LastAccount).Add(sealing.LastBatch).Add(sealing.LastTransfer).Add(sealing.Hash.AsSpan()).Run();
        return sealing;
    }

    private void TryRollback()
    {
        _inTransaction = false;
        try
        {
            _rollback.Run();
        }
        catch (SqliteException)
        {
            // SQLite rolls back by itself on some errors (disk full, I/O); then there is nothing left to do.
        }
    }

    private PreparedStatement Prepare(string sql)
    {
        var statement = new PreparedStatement(_database, sql);
        _statements.Add(statement);
        return statement;
    }

    private void Pragma(string setting)
    {
        using var statement = new PreparedStatement(_database, $"PRAGMA {setting}");
        statement.Run();
    }
}
