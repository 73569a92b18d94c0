using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>Holds, freezes, the standing of relays, and the report of refused work.</summary>
internal sealed partial class LedgerState
{
    private Dictionary<string, RelayStanding> _standings = [];
    private long _lastFreeze;
    private long _lastRefused;

    /// <summary>A transfer in two steps, whatever became of it.</summary>
    public PendingTransfer? FindPending(Guid id) => _book.FindPending(id);

    public int CountPending(Account account) => _book.CountPending(account);

    /// <summary>Holds the amount of the batch's one leg.</summary>
    public Posting Hold(TransferBatch batch, long expiresAtMs) => NotePending(batch, _book.Hold(batch, expiresAtMs, NowMs));

    public Posting PostPending(TransferBatch batch, Guid pendingId) => NotePending(batch, _book.PostPending(batch, pendingId, NowMs));

    public Posting VoidPending(TransferBatch batch, Guid pendingId) => NotePending(batch, _book.VoidPending(batch, pendingId, NowMs));

    /// <summary>Freezes an account or ends that; the log keeps who did it and why. False when it stands so already.</summary>
    public bool Freeze(Account account, bool frozen, string actor, string note)
    {
        if (account.IsFrozen == frozen)
            return false;
        Book.Freeze(account, frozen);
        Changes.Operations.Freezes.Add(new Freeze(++_lastFreeze, account, frozen, actor, note));
        return true;
    }

    public RelayStanding Standing(string accountId) => _standings.GetValueOrDefault(accountId);

    public void Save(Account account, RelayStanding standing)
    {
        _standings[account.Id] = standing;
        Changes.Operations.Standings[account] = standing;
    }

    /// <summary>Notes work that is not paid for: all of it in the metric, the largest in the report.</summary>
    /// <param name="parts">In how many parts the window is told; each has its share of the report.</param>
    public void Refused(string streamId, long window, IReadOnlyList<RefusedWork> refused, int parts)
    {
        foreach (var work in refused)
            Changes.Operations.RefusedBytes[work.Reason] = Changes.Operations.RefusedBytes.GetValueOrDefault(work.Reason) + work.Bytes;
        foreach (var work in refused.OrderByDescending(work => work.Bytes).Take(Math.Max(1, Options.RefusedWorkPerWindow / parts)))
            Changes.Operations.Refused.Add(new RefusedRow(++_lastRefused, streamId, window, work));
    }

    /// <summary>Every sponsorship that is not over.</summary>
    public IReadOnlyList<Sponsorship> ActiveSponsorships() => [.. _active.Values.SelectMany(active => active)];

    /// <summary>One that is not over, or null.</summary>
    public Sponsorship? ActiveSponsorship(Guid id) => _active.Values.SelectMany(active => active).FirstOrDefault(sponsorship => sponsorship.Id == id);

    private void LoadOperations()
    {
        _standings = _store.LoadStandings();
        _lastRefused = _store.LoadLastRefused();
        (_lastFreeze, var frozen) = _store.LoadFreezes();
        foreach (var account in frozen)
            Book.Freeze(_book.Find(account)!, frozen: true);
    }

    private void Expire()
    {
        foreach (var expired in _book.Expire(NowMs))
            Changes.Operations.Pending[expired.Id] = expired;
    }

    private Posting NotePending(TransferBatch batch, Posting posting)
    {
        if (posting is { Status: PostingStatus.Posted, Pending: { } pending })
            Changes.Operations.Pending[pending.Id] = pending;
        return Note(batch, posting);
    }

    // What ended in this group is not in the file yet.
    private PendingTransfer? FindResolved(Guid id) =>
        Changes.Operations.Pending.GetValueOrDefault(id) ?? _store.FindPending(id, account => _book.Find(account)!);
}
