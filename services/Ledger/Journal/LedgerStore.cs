using Beacon.Ledger.Books;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The writer's own connection to the ledger's file: loads the state once and writes each group in one transaction. A
/// commit has reached the disk when it returns (WAL, synchronous=FULL). Used by one thread at a time.
/// </summary>
internal sealed class LedgerStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly PreparedStatement _begin;
    private readonly PreparedStatement _commit;
    private readonly PreparedStatement _rollback;
    private readonly PreparedStatement _insertAccount;
    private readonly PreparedStatement _updateAccount;
    private readonly PreparedStatement _insertBatch;
    private readonly PreparedStatement _insertTransfer;
    private readonly PreparedStatement _upsertStream;
    private readonly PreparedStatement _deleteSquad;
    private readonly PreparedStatement _insertMember;
    private readonly PreparedStatement _upsertSponsorship;
    private readonly PreparedStatement _insertOutbox;
    private readonly PreparedStatement _deleteOutbox;
    private readonly PreparedStatement _moveCursor;
    private readonly PreparedStatement _findBatch;
    private readonly PreparedStatement _findTransfers;
    private readonly PreparedStatement _findStream;
    private readonly PreparedStatement _findSquad;
    private readonly OperationStore _operations;

    public LedgerStore(string connectionString)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString());
        try
        {
            _connection.Open();
            Execute("PRAGMA journal_mode = WAL");
            Execute("PRAGMA synchronous = FULL");
            _begin = Prepare("BEGIN IMMEDIATE");
            _commit = Prepare("COMMIT");
            _rollback = Prepare("ROLLBACK");
            _insertAccount = Prepare("INSERT INTO accounts (number, account_id, kind, may_go_negative, display_name, opened_at_ms, balance, relay_earnings) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8)");
            _updateAccount = Prepare("UPDATE accounts SET display_name = @p2, balance = @p3, relay_earnings = @p4 WHERE number = @p1");
            _insertBatch = Prepare("INSERT INTO batches (sequence, batch_id, content, code, actor, reference, window, booked_at_ms) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8)");
            _insertTransfer = Prepare("INSERT INTO transfers (sequence, transfer_id, batch, debit, credit, amount, debit_balance, credit_balance) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8)");
            _upsertStream = Prepare("INSERT INTO streams (stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version) VALUES (@p1, @p2, @p3, @p4, @p5) ON CONFLICT (stream_id) DO UPDATE SET started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms, squad_version = excluded.squad_version");
            _deleteSquad = Prepare("DELETE FROM squad_members WHERE stream_id = @p1");
            _insertMember = Prepare("INSERT INTO squad_members (stream_id, position, account_id, share_bps) VALUES (@p1, @p2, @p3, @p4)");
            _upsertSponsorship = Prepare("INSERT INTO sponsorships (sponsorship_id, stream_id, sponsor, budget, spent, rate, state, created_at_ms, max_per_hour, campaign_ms, viewer_ms, to_relays, number) VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13) ON CONFLICT (sponsorship_id) DO UPDATE SET spent = excluded.spent, state = excluded.state, viewer_ms = excluded.viewer_ms, to_relays = excluded.to_relays");
            _insertOutbox = Prepare("INSERT INTO outbox (sequence, type, payload) VALUES (@p1, @p2, @p3)");
            _deleteOutbox = Prepare("DELETE FROM outbox WHERE sequence <= @p1");
            _moveCursor = Prepare("UPDATE outbox_cursor SET published_through = @p1 WHERE id = 1");
            _findBatch = Prepare("SELECT sequence, content, booked_at_ms, code, window FROM batches WHERE batch_id = @p1");
            _findTransfers = Prepare("SELECT t.sequence, t.transfer_id, d.account_id, c.account_id, t.amount, t.debit_balance, t.credit_balance FROM transfers t JOIN accounts d ON d.number = t.debit JOIN accounts c ON c.number = t.credit WHERE t.batch = @p1 ORDER BY t.sequence");
            _findStream = Prepare("SELECT stream_id, broadcaster, started_at_ms, ended_at_ms, squad_version FROM streams WHERE stream_id = @p1");
            _findSquad = Prepare("SELECT account_id, share_bps FROM squad_members WHERE stream_id = @p1 ORDER BY position");
            _operations = new OperationStore(_connection);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Every account of the file, in order of number.</summary>
    public List<Account> LoadAccounts() =>
        Query("SELECT number, account_id, kind, may_go_negative, display_name, opened_at_ms, balance, relay_earnings FROM accounts ORDER BY number", row =>
            Account.Restore(row.GetInt32(0), row.GetString(1), (AccountKind)row.GetInt32(2), row.GetBoolean(3), row.GetString(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7)));

    /// <summary>The highest sequences of batches, transfers and outbox messages ever given.</summary>
    public (long Batch, long Transfer, long Outbox) LoadSequences() =>
        Query(
            """
            SELECT (SELECT coalesce(max(sequence), 0) FROM batches),
                   (SELECT coalesce(max(sequence), 0) FROM transfers),
                   max((SELECT coalesce(max(sequence), 0) FROM outbox), (SELECT published_through FROM outbox_cursor))
            """,
            row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)))[0];

    /// <summary>The time of the latest booking, Unix milliseconds.</summary>
    public long LoadLastBookedAtMs() =>
        Query("SELECT coalesce((SELECT booked_at_ms FROM batches ORDER BY sequence DESC LIMIT 1), 0)", row => row.GetInt64(0))[0];

    public List<StreamRecord> LoadLiveStreams() =>
        [.. Query("SELECT stream_id FROM streams WHERE ended_at_ms IS NULL", row => row.GetString(0)).Select(id => FindStream(id)!)];

    public List<Sponsorship> LoadActiveSponsorships() =>
        Query(
            $"""
            SELECT s.sponsorship_id, s.stream_id, s.sponsor, s.budget, s.rate, s.created_at_ms, s.max_per_hour, s.campaign_ms, s.viewer_ms, s.spent, s.to_relays,
                   coalesce(d.hour, 0), coalesce(d.viewer_ms, 0), coalesce(d.spent, 0), coalesce(d.to_relays, 0), s.number
            FROM sponsorships s LEFT JOIN deliveries d ON d.sponsorship_id = s.sponsorship_id AND d.hour = (SELECT max(l.hour) FROM deliveries l WHERE l.sponsorship_id = s.sponsorship_id)
            WHERE s.state = {(int)SponsorshipState.Active} ORDER BY s.sponsorship_id
            """,
            row => new Sponsorship(
                Id(row, 0),
                row.GetString(1),
                row.GetString(2),
                row.GetInt64(3),
                row.GetInt64(4),
                SponsorshipState.Active,
                row.GetInt64(5),
                new Pace(row.GetInt64(6), row.GetInt64(7)),
                new Delivery(row.GetInt64(8), row.GetInt64(9), row.GetInt64(10)),
                row.GetInt64(11),
                new Delivery(row.GetInt64(12), row.GetInt64(13), row.GetInt64(14))) { Number = row.GetInt64(15) });

    /// <summary>Holds, freezes, standings of relays.</summary>
    public OperationStore Operations => _operations;

    /// <summary>A batch of the journal by its id; <paramref name="account"/> gives the accounts that its transfers name.</summary>
    public PostedBatch? FindBatch(Guid batchId, Func<string, Account> account)
    {
        long sequence, bookedAtMs;
        long? window;
        Guid content;
        TransferCode code;
        using (var row = _findBatch.Read(Bytes(batchId)))
        {
            if (!row.Read())
                return null;
            (sequence, content, bookedAtMs, code) = (row.GetInt64(0), Id(row, 1), row.GetInt64(2), (TransferCode)row.GetInt32(3));
            window = row.IsDBNull(4) ? null : row.GetInt64(4);
        }

        var transfers = new List<Transfer>();
        using (var row = _findTransfers.Read(sequence))
        {
            while (row.Read())
                transfers.Add(new Transfer(row.GetInt64(0), Id(row, 1), account(row.GetString(2)), account(row.GetString(3)), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6)));
        }

        return new PostedBatch(sequence, batchId, content, bookedAtMs, transfers, code, window);
    }

    public StreamRecord? FindStream(string streamId)
    {
        var squad = new List<SquadShare>();
        using (var member = _findSquad.Read(streamId))
        {
            while (member.Read())
                squad.Add(new SquadShare(member.GetString(0), member.GetInt32(1)));
        }

        using var row = _findStream.Read(streamId);
        return row.Read()
            ? new StreamRecord(row.GetString(0), row.GetString(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt64(3), row.GetInt64(4), squad)
            : null;
    }

    /// <summary>Writes everything or, with an exception, nothing that this connection knows of: the file decides what stands.</summary>
    public void Commit(Changes changes, long nowMs, int refusedKept)
    {
        _begin.Run();
        try
        {
            WriteAccounts(changes);
            WriteBatches(changes);
            WriteStreams(changes);
            foreach (var s in changes.Sponsorships.Values)
                _upsertSponsorship.Run(Bytes(s.Id), s.StreamId, s.SponsorAccountId, s.Budget, s.Spent, s.Rate, (int)s.State, s.CreatedAtMs, s.Pace.MaxPerHour, s.Pace.CampaignMs, s.Total.ViewerMs, s.Total.ToRelays, s.Number);
            _operations.Write(changes, nowMs, refusedKept);
            foreach (var message in changes.Outbox)
                _insertOutbox.Run(message.Sequence, message.Type, message.Payload);
            if (changes.PublishedThrough is { } published)
            {
                _deleteOutbox.Run(published);
                _moveCursor.Run(published);
            }

            _commit.Run();
        }
        catch
        {
            TryRollback();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var statement in new[]
        {
            _begin, _commit, _rollback, _insertAccount, _updateAccount, _insertBatch, _insertTransfer, _upsertStream, _deleteSquad,
            _insertMember, _upsertSponsorship, _insertOutbox, _deleteOutbox, _moveCursor, _findBatch, _findTransfers, _findStream, _findSquad,
        })
        {
            statement.Dispose();
        }

        _operations.Dispose();
        _connection.Dispose();
    }

    private void WriteAccounts(Changes changes)
    {
        foreach (var a in changes.Opened)
            _insertAccount.Run(a.Number, a.Id, (int)a.Kind, a.MayGoNegative, a.DisplayName, a.OpenedAtMs, a.Balance, a.RelayEarnings);
        foreach (var a in changes.Touched)
            _updateAccount.Run(a.Number, a.DisplayName, a.Balance, a.RelayEarnings);
    }

    private void WriteBatches(Changes changes)
    {
        foreach (var (request, posted) in changes.Batches)
        {
            _insertBatch.Run(posted.Sequence, Bytes(posted.Id), Bytes(posted.Content), (int)request.Code, request.Actor, request.Reference, request.Window, posted.BookedAtMs);
            foreach (var t in posted.Transfers)
                _insertTransfer.Run(t.Sequence, Bytes(t.Id), posted.Sequence, t.Debit.Number, t.Credit.Number, t.Amount, t.DebitBalance, t.CreditBalance);
        }
    }

    private void WriteStreams(Changes changes)
    {
        foreach (var stream in changes.Streams.Values)
        {
            _upsertStream.Run(stream.StreamId, stream.BroadcasterAccountId, stream.StartedAtMs, stream.EndedAtMs, stream.SquadVersion);
            _deleteSquad.Run(stream.StreamId);
            for (var i = 0; i < stream.Squad.Count; i++)
                _insertMember.Run(stream.StreamId, i, stream.Squad[i].AccountId, stream.Squad[i].ShareBps);
        }
    }

    private void TryRollback()
    {
        try
        {
            _rollback.Run();
        }
        catch (SqliteException)
        {
            // SQLite rolls back by itself on some errors (disk full, I/O); then there is nothing left to do.
        }
    }

    private PreparedStatement Prepare(string sql) => new(_connection, sql);

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

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
