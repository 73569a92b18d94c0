using Beacon.Ledger.Books;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The writer's own connection to the ledger's file: loads the state once and writes each group in one transaction. A
/// commit has reached the disk when it returns (WAL, synchronous=FULL). Used by one thread at a time.
/// </summary>
internal sealed class LedgerStore : IDisposable
{
    private const int PageBytes = 4096;

    private readonly SqliteConnection _connection;
    private readonly List<PreparedStatement> _statements = [];
    private readonly ChainHash _hash = new();
    private readonly PreparedStatement _begin;
    private readonly PreparedStatement _commit;
    private readonly PreparedStatement _rollback;
    private readonly PreparedStatement _insertAccount;
    private readonly PreparedStatement _updateAccount;
    private readonly PreparedStatement _insertBatch;
    private readonly PreparedStatement _insertTransfer;
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
    private readonly OperationStore _operations;
    private ChainLink _last;
    private bool _inTransaction;

    public LedgerStore(string connectionString, LedgerOptions options)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString());
        try
        {
            _connection.Open();
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
            _insertAccount = Prepare("INSERT INTO accounts (number, account_id, kind, may_go_negative, display_name, opened_at_ms, balance, relay_earnings) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
            _updateAccount = Prepare("UPDATE accounts SET display_name = ?, balance = ?, relay_earnings = ? WHERE number = ?");
            _insertBatch = Prepare("INSERT INTO batches (sequence, batch_id, content, code, actor, reference, window, booked_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
            _insertTransfer = Prepare("INSERT INTO transfers (sequence, transfer_id, batch, debit, credit, amount, debit_balance, credit_balance) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
            _insertLink = Prepare("INSERT INTO chain (link, last_account, last_batch, last_transfer, hash) VALUES (?, ?, ?, ?, ?)");
            _upsertStream = Prepare("INSERT INTO streams (stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version) VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream_id) DO UPDATE SET started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms, squad_version = excluded.squad_version");
            _deleteSquad = Prepare("DELETE FROM squad_members WHERE stream_id = ?");
            _insertMember = Prepare("INSERT INTO squad_members (stream_id, position, account_id, share_bps) VALUES (?, ?, ?, ?)");
            _upsertSponsorship = Prepare("INSERT INTO sponsorships (sponsorship_id, stream_id, sponsor, budget, spent, rate, state, created_at_ms, max_per_hour, campaign_ms, viewer_ms, to_relays, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sponsorship_id) DO UPDATE SET spent = excluded.spent, state = excluded.state, viewer_ms = excluded.viewer_ms, to_relays = excluded.to_relays");
            _insertOutbox = Prepare("INSERT INTO outbox (sequence, type, payload) VALUES (?, ?, ?)");
            _deleteOutbox = Prepare("DELETE FROM outbox WHERE sequence <= ?");
            _moveCursor = Prepare("UPDATE outbox_cursor SET published_through = ? WHERE id = 1");
            _moveTransferCursor = Prepare("UPDATE outbox_cursor SET published_transfers = ? WHERE id = 1");
            _findBatch = Prepare("SELECT sequence, content, booked_at_ms, code, window FROM batches WHERE batch_id = ?");
            _findTransfers = Prepare("SELECT t.sequence, t.transfer_id, d.account_id, c.account_id, t.amount, t.debit_balance, t.credit_balance FROM transfers t JOIN accounts d ON d.number = t.debit JOIN accounts c ON c.number = t.credit WHERE t.batch = ? ORDER BY t.sequence");
            _findStream = Prepare("SELECT stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version FROM streams WHERE stream_id = ?");
            _findSquad = Prepare("SELECT account_id, share_bps FROM squad_members WHERE stream_id = ? ORDER BY position");
            _operations = new OperationStore(_connection);
            _last = LoadChain();
        }
        catch
        {
            _operations?.Dispose();
            DisposeOwn();
            throw;
        }
    }

    /// <summary>Every account of the file, in order of number.</summary>
    public List<Account> LoadAccounts() =>
        Query("SELECT number, account_id, kind, may_go_negative, display_name, opened_at_ms, balance, relay_earnings FROM accounts ORDER BY number", row =>
            Account.Restore(row.Int(0), row.Text(1), (AccountKind)row.Int(2), row.Int(3) != 0, row.Text(4), row.Long(5), row.Long(6), row.Long(7)));

    /// <summary>The highest sequences of batches, transfers and outbox messages ever given.</summary>
    public (long Batch, long Transfer, long Outbox) LoadSequences() =>
        Query(
            """
            SELECT (SELECT coalesce(max(sequence), 0) FROM batches),
                   (SELECT coalesce(max(sequence), 0) FROM transfers),
                   max((SELECT coalesce(max(sequence), 0) FROM outbox), (SELECT published_through FROM outbox_cursor))
            """,
            row => (row.Long(0), row.Long(1), row.Long(2)))[0];

    /// <summary>The time of the latest booking, Unix milliseconds.</summary>
    public long LoadLastBookedAtMs() =>
        Query("SELECT coalesce((SELECT booked_at_ms FROM batches ORDER BY sequence DESC LIMIT 1), 0)", row => row.Long(0))[0];

    public List<StreamRecord> LoadLiveStreams() =>
        [.. Query("SELECT stream_id FROM streams WHERE ended_at_ms IS NULL", row => row.Text(0)).Select(id => FindStream(id)!)];

    public List<Sponsorship> LoadActiveSponsorships() =>
        Query(
            $"""
            SELECT s.sponsorship_id, s.stream_id, s.sponsor, s.budget, s.rate, s.created_at_ms, s.max_per_hour, s.campaign_ms, s.viewer_ms, s.spent, s.to_relays,
                   coalesce(d.hour, 0), coalesce(d.viewer_ms, 0), coalesce(d.spent, 0), coalesce(d.to_relays, 0), s.number
            FROM sponsorships s LEFT JOIN deliveries d ON d.sponsorship_id = s.sponsorship_id AND d.hour = (SELECT max(l.hour) FROM deliveries l WHERE l.sponsorship_id = s.sponsorship_id)
            WHERE s.state = {(int)SponsorshipState.Active} ORDER BY s.sponsorship_id
            """,
            row => new Sponsorship(
                row.Id(0),
                row.Text(1),
                row.Text(2),
                row.Long(3),
                row.Long(4),
                SponsorshipState.Active,
                row.Long(5),
                new Pace(row.Long(6), row.Long(7)),
                new Delivery(row.Long(8), row.Long(9), row.Long(10)),
                row.Long(11),
                new Delivery(row.Long(12), row.Long(13), row.Long(14))) { Number = row.Long(15) });

    /// <summary>Holds, freezes, standings of relays.</summary>
    public OperationStore Operations => _operations;

    /// <summary>A batch of the journal by its id; <paramref name="account"/> gives the accounts that its transfers name.</summary>
    public PostedBatch? FindBatch(Guid batchId, Func<string, Account> account)
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

    public StreamRecord? FindStream(string streamId)
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

    /// <summary>Ends the transaction of a group that changed nothing.</summary>
    public void End()
    {
        if (_inTransaction)
            TryRollback();
    }

    /// <summary>Writes everything or, with an exception, nothing that this connection knows of: the file decides what stands.</summary>
    public void Commit(Changes changes, long nowMs, int refusedKept)
    {
        Begin();
        try
        {
            var link = WriteJournal(changes);
            foreach (var a in changes.Touched)
                _updateAccount.Add(a.DisplayName).Add(a.Balance).Add(a.RelayEarnings).Add(a.Number).Run();
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

    public void Dispose()
    {
        _operations.Dispose();
        DisposeOwn();
    }

    private void DisposeOwn()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        _hash.Dispose();
        _connection.Dispose();
    }

    /// <summary>The new rows of the journal, and the link that seals them.</summary>
    private ChainLink WriteJournal(Changes changes)
    {
        if (!changes.HasJournal)
            return _last;
        var link = _last with { Number = _last.Number + 1 };
        _hash.Begin(_last.Hash);
        foreach (var a in changes.Opened)
        {
            _insertAccount.Add(a.Number).Add(a.Id).Add((int)a.Kind).Add(a.MayGoNegative).Add(a.DisplayName).Add(a.OpenedAtMs).Add(a.Balance).Add(a.RelayEarnings).Run();
            _hash.Account(a.Number, a.Id, (int)a.Kind, a.MayGoNegative, a.OpenedAtMs);
            link = link with { LastAccount = a.Number };
        }

        var (lastBatch, lastTransfer) = (link.LastBatch, link.LastTransfer);
        foreach (var (request, posted) in changes.Batches)
        {
            _insertBatch.Add(posted.Sequence).Add(posted.Id).Add(posted.Content).Add((int)request.Code).Add(request.Actor).Add(request.Reference).Add(request.Window).Add(posted.BookedAtMs).Run();
            _hash.Batch(posted.Sequence, posted.Id, posted.Content, (int)request.Code, request.Actor, request.Reference, request.Window, posted.BookedAtMs);
            lastBatch = posted.Sequence;
            foreach (var t in posted.Transfers)
            {
                _insertTransfer.Add(t.Sequence).Add(t.Id).Add(posted.Sequence).Add(t.Debit.Number).Add(t.Credit.Number).Add(t.Amount).Add(t.DebitBalance).Add(t.CreditBalance).Run();
                _hash.Transfer(t.Sequence, t.Id, posted.Sequence, t.Debit.Number, t.Credit.Number, t.Amount, t.DebitBalance, t.CreditBalance);
                lastTransfer = t.Sequence;
            }
        }

        link = link with { LastBatch = lastBatch, LastTransfer = lastTransfer, Hash = _hash.End() };
        _insertLink.Add(link.Number).Add(link.LastAccount).Add(link.LastBatch).Add(link.LastTransfer).Add(link.Hash.AsSpan()).Run();
        return link;
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
    /// The end of the chain. A journal from before there was one is sealed here, once; rows that a chain leaves out were
    /// written by somebody else, and nothing is built on them.
    /// </summary>
    private ChainLink LoadChain()
    {
        var last = Query("SELECT link, last_account, last_batch, last_transfer, hash FROM chain ORDER BY link DESC LIMIT 1", ChainLink.Of).FirstOrDefault()
            ?? ChainLink.Genesis;
        var (account, batch, transfer) = Query(
            "SELECT (SELECT coalesce(max(number), 0) FROM accounts), (SELECT coalesce(max(sequence), 0) FROM batches), (SELECT coalesce(max(sequence), 0) FROM transfers)",
            row => (row.Int(0), row.Long(1), row.Long(2)))[0];
        if ((account, batch, transfer) == (last.LastAccount, last.LastBatch, last.LastTransfer))
            return last;
        if (last.Number > 0)
        {
            throw new InvalidDataException(
                $"The ledger's chain ends at account {last.LastAccount}, batch {last.LastBatch}, transfer {last.LastTransfer}; the file at {account}, {batch}, {transfer}. Restore a backup that verifies.");
        }

        var sealing = JournalReplay.Seal(_connection);
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
        var statement = new PreparedStatement(_connection, sql);
        _statements.Add(statement);
        return statement;
    }

    private void Pragma(string setting)
    {
        using var statement = new PreparedStatement(_connection, $"PRAGMA {setting}");
        statement.Run();
    }

    private List<T> Query<T>(string sql, Func<PreparedStatement, T> map)
    {
        using var rows = new PreparedStatement(_connection, sql);
        var found = new List<T>();
        while (rows.Read())
            found.Add(map(rows));
        return found;
    }
}
