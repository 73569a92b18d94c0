namespace Beacon.Ledger.Books;

/// <summary>
/// The latest posted batches, so that the usual repetition, a retry within seconds, is answered from memory. Bounded by
/// the number of transfers; what is older is looked up in the journal.
/// </summary>
internal sealed class RecentBatches(int capacity)
{
    private readonly Dictionary<Guid, PostedBatch> _batches = new(IdsByTime.Comparer);
    private readonly Queue<PostedBatch> _order = new();
    private long _weight;

    public PostedBatch? Find(Guid id) => _batches.GetValueOrDefault(id);

    public void Add(PostedBatch batch)
    {
        _batches.Add(batch.Id, batch);
        _order.Enqueue(batch);
        _weight += Weight(batch);
        while (_weight > capacity && _order.TryDequeue(out var oldest))
        {
            _batches.Remove(oldest.Id);
            _weight -= Weight(oldest);
        }
    }

    private static int Weight(PostedBatch batch) => Math.Max(1, batch.Transfers.Count);
}
