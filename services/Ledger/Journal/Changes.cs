using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>What the requests of one group changed in memory: exactly what their one transaction writes.</summary>
internal sealed class Changes
{
    public List<Account> Opened { get; } = [];

    /// <summary>Accounts whose row changed; one update each, however many transfers touched them.</summary>
    public HashSet<Account> Touched { get; } = [];

    public List<(TransferBatch Request, PostedBatch Posted)> Batches { get; } = [];

    public Dictionary<string, StreamRecord> Streams { get; } = new(StringComparer.Ordinal);

    public Dictionary<Guid, Sponsorship> Sponsorships { get; } = [];

    /// <summary>What is neither journal nor stream.</summary>
    public OperationChanges Operations { get; } = new();

    public List<OutboxMessage> Outbox { get; } = [];

    public long? PublishedThrough { get; set; }

    public bool IsEmpty =>
        Opened.Count == 0 && Touched.Count == 0 && Batches.Count == 0 && Streams.Count == 0
        && Sponsorships.Count == 0 && Operations.IsEmpty && Outbox.Count == 0 && PublishedThrough is null;
}

/// <summary>An event on its way to the bus.</summary>
/// <param name="Sequence">Grows over the whole ledger.</param>
/// <param name="Type">The name of the contract.</param>
/// <param name="Payload">The contract as JSON.</param>
internal sealed record OutboxMessage(long Sequence, string Type, string Payload);
