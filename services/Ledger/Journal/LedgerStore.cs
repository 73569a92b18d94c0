using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The writer's own connection: loads the state once and writes each group in one transaction. A commit is durable when it
/// returns. Used by one thread at a time. What is loaded is asked in SQL that all databases speak; how a group is written is
/// each one's own.
/// </summary>
internal abstract class LedgerStore : IDisposable
{
    protected const string SelectPending =
        "SELECT p.number, p.pending_id, d.account_id, c.account_id, p.amount, p.created_at_ms, p.expires_at_ms, p.state, p.resolved_at_ms, p.resolved_by FROM pending_transfers p JOIN accounts d ON d.number = p.debit JOIN accounts c ON c.number = p.credit";

    /// <summary>Every account, in order of number.</summary>
    public List<Account> LoadAccounts() =>
        List("SELECT a.number, a.account_id, a.kind, a.may_go_negative, a.display_name, a.opened_at_ms, b.balance, b.relay_earnings, b.last_transfer, b.transfers FROM accounts a LEFT JOIN balances b ON b.account = a.number ORDER BY a.number", row => row.IsNull(6)
            ? throw new InvalidDataException($"Account {row.Int(0)} has no balance. Restore a backup that verifies.")
            : Account.Restore(row.Int(0), row.Text(1), (AccountKind)row.Int(2), row.Int(3) != 0, row.Text(4), row.Long(5), row.Long(6), row.Long(7), row.Long(8), row.Long(9)));

    /// <summary>The highest sequences of batches, transfers and outbox messages ever given.</summary>
    public (long Batch, long Transfer, long Outbox) LoadSequences() =>
        List(
            """
            SELECT (SELECT coalesce(max(sequence), 0) FROM batches),
                   (SELECT coalesce(max(sequence), 0) FROM transfers),
                   (SELECT coalesce(max(sequence), 0) FROM outbox),
                   (SELECT published_through FROM outbox_cursor)
            """,
            row => (row.Long(0), row.Long(1), Math.Max(row.Long(2), row.Long(3))))[0];

    /// <summary>The time of the latest booking, Unix milliseconds.</summary>
    public long LoadLastBookedAtMs() =>
        List("SELECT coalesce((SELECT booked_at_ms FROM batches ORDER BY sequence DESC LIMIT 1), 0)", row => row.Long(0))[0];

    public List<StreamRecord> LoadLiveStreams() =>
        [.. List("SELECT stream_id FROM streams WHERE ended_at_ms IS NULL", row => row.Text(0)).Select(id => FindStream(id)!)];

    public List<Sponsorship> LoadActiveSponsorships() =>
        List(
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

    /// <summary>The transfers that hold credits.</summary>
    public List<PendingTransfer> LoadPending(Func<string, Account> account) =>
        List($"{SelectPending} WHERE p.state = {(int)PendingState.Pending}", row => Pending(row, account));

    /// <summary>Accounts that are frozen, and the highest sequence of the log.</summary>
    public (long Last, List<string> Accounts) LoadFreezes() =>
        (List("SELECT coalesce(max(sequence), 0) FROM freezes", row => row.Long(0))[0],
            List("SELECT a.account_id FROM freezes f JOIN accounts a ON a.number = f.account WHERE f.frozen AND f.sequence = (SELECT max(l.sequence) FROM freezes l WHERE l.account = f.account)", row => row.Text(0)));

    public Dictionary<string, RelayStanding> LoadStandings() =>
        List("SELECT a.account_id, s.good_windows, s.withheld FROM relay_standings s JOIN accounts a ON a.number = s.account", row => (Id: row.Text(0), Standing: new RelayStanding(row.Int(1), row.Long(2))))
            .ToDictionary(entry => entry.Id, entry => entry.Standing, StringComparer.Ordinal);

    public long LoadLastRefused() => List("SELECT coalesce(max(sequence), 0) FROM refused_work", row => row.Long(0))[0];

    /// <summary>The last id of version 7 of a time or later and before another, or null when there is none.</summary>
    public abstract Guid? LastTimedId(long fromMs, long toMs);

    /// <summary>True where a look is a way to another machine, and one for many ids is worth its trouble.</summary>
    public virtual bool LooksAhead => false;

    /// <summary>Told before each group is decided: ids that it will look for.</summary>
    public virtual void Expect(IReadOnlyList<Guid> batchIds) => throw new NotSupportedException("This store does not look ahead.");

    /// <summary>A batch of the journal by its id; <paramref name="account"/> gives the accounts that its transfers name.</summary>
    public abstract PostedBatch? FindBatch(Guid batchId, Func<string, Account> account);

    public abstract StreamRecord? FindStream(string streamId);

    public abstract PendingTransfer? FindPending(Guid id, Func<string, Account> account);

    /// <summary>Ends the transaction of a group that changed nothing.</summary>
    public abstract void End();

    /// <summary>Writes everything or, with an exception, nothing that this connection knows of: the database decides what stands.</summary>
    /// <param name="refusedKept">Rows of refused work that stay.</param>
    public abstract void Commit(Changes changes, long nowMs, int refusedKept);

    public abstract void Dispose();

    protected abstract IRows Query(string sql);

    /// <summary>
    /// The end of the chain. A journal from before there was one is sealed here, once; rows that a chain leaves out were
    /// written by somebody else, and nothing is built on them.
    /// </summary>
    protected ChainLink LoadChain(Func<ChainLink> seal)
    {
        var last = List($"{JournalSql.Links} ORDER BY link DESC LIMIT 1", ChainLink.Of).FirstOrDefault()
            ?? ChainLink.Genesis;
        var (account, batch, transfer) = List(
            JournalSql.Ends,
            row => (row.Int(0), row.Long(1), row.Long(2)))[0];
        if ((account, batch, transfer) == (last.LastAccount, last.LastBatch, last.LastTransfer))
            return last;
        return last.Number == 0
            ? seal()
            : throw new InvalidDataException(
                $"The ledger's chain ends at account {last.LastAccount}, batch {last.LastBatch}, transfer {last.LastTransfer}; the file at {account}, {batch}, {transfer}. Restore a backup that verifies.");
    }

    protected static PendingTransfer Pending(IRows row, Func<string, Account> account) => new(
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

    private List<T> List<T>(string sql, Func<IRows, T> map)
    {
        using var rows = Query(sql);
        var found = new List<T>();
        while (rows.Read())
            found.Add(map(rows));
        return found;
    }
}
