namespace Beacon.Ledger.Books;

/// <summary>The transfers that are pending, what they hold, and whose time is over. What ended is found elsewhere.</summary>
internal sealed class Pendings
{
    private readonly Dictionary<Guid, PendingTransfer> _open = [];
    private readonly PriorityQueue<Guid, long> _byExpiry = new();
    private readonly Func<Guid, PendingTransfer?> _findResolved;

    public Pendings(IEnumerable<PendingTransfer> open, Func<Guid, PendingTransfer?> findResolved)
    {
        _findResolved = findResolved;
        foreach (var pending in open)
            Add(pending);
    }

    public PendingTransfer? Find(Guid id) => _open.GetValueOrDefault(id) ?? _findResolved(id);

    public int Count(Account account) => account.Held == 0 ? 0 : _open.Values.Count(pending => pending.Debit == account);

    public void Add(PendingTransfer pending)
    {
        _open.Add(pending.Id, pending);
        _byExpiry.Enqueue(pending.Id, pending.ExpiresAtMs);
        pending.Debit.Held += pending.Amount;
    }

    /// <summary>One that was resolved, and holds nothing any more. Its place in the queue is passed over when its time comes.</summary>
    public void Forget(Guid id) => _open.Remove(id);

    /// <summary>Lets go of those whose time is over, in order of that time.</summary>
    public IReadOnlyList<PendingTransfer> Expire(long nowMs)
    {
        if (!_byExpiry.TryPeek(out _, out var first) || first > nowMs)
            return [];
        var expired = new List<PendingTransfer>();
        while (_byExpiry.TryPeek(out var id, out var expiresAtMs) && expiresAtMs <= nowMs)
        {
            _byExpiry.Dequeue();
            if (!_open.Remove(id, out var pending))
                continue;
            pending.Debit.Held -= pending.Amount;
            expired.Add(pending with { State = PendingState.Expired, ResolvedAtMs = nowMs });
        }

        return expired;
    }
}
