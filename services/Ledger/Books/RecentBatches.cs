namespace Beacon.Ledger.Books;

/// <summary>
/// The latest posted batches, so that the usual repetition, a retry within seconds, is answered from memory. Bounded by
/// the number of transfers; what is older is looked up in the journal.
/// </summary>
/// <param name="capacity">Transfers whose batches are remembered at most; the older half of them is forgotten at once, which costs less than one after the other.</param>
internal sealed class RecentBatches(int capacity)
{
    private Dictionary<Guid, PostedBatch> _young = new(IdsByTime.Comparer);
    private Dictionary<Guid, PostedBatch> _old = new(IdsByTime.Comparer);
    private long _weight;

    public PostedBatch? Find(Guid id) => _young.GetValueOrDefault(id) ?? _old.GetValueOrDefault(id);

    public void Add(PostedBatch batch)
    {
        _young.Add(batch.Id, batch);
        _weight += Math.Max(1, batch.Transfers.Count);
        if (_weight * 2 < capacity)
            return;
        (_young, _old) = (_old, _young);
        _young.Clear();
        _weight = 0;
    }
}
