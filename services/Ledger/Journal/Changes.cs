using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>What the requests of one group changed in memory: exactly what their one transaction writes.</summary>
internal sealed class Changes
{
    private const int KeptAccounts = 16_384;

    public List<Account> Opened { get; } = [];

    /// <summary>Accounts whose balance is new or changed; one row each, however many transfers touched them.</summary>
    public HashSet<Account> Touched { get; } = [];

    public HashSet<Account> Renamed { get; } = [];

    public List<(TransferBatch Request, PostedBatch Posted)> Batches { get; } = [];

    public Dictionary<string, StreamRecord> Streams { get; } = new(StringComparer.Ordinal);

    public Dictionary<Guid, Sponsorship> Sponsorships { get; } = [];

    /// <summary>What is neither journal nor stream.</summary>
    public OperationChanges Operations { get; } = new();

    public List<OutboxMessage> Outbox { get; } = [];

    /// <summary>The last message of the outbox that was published.</summary>
    public long? PublishedThrough { get; set; }

    /// <summary>The last transfer whose events were published.</summary>
    public long? PublishedTransfers { get; set; }

    /// <summary>True when the journal grows: then the chain does too.</summary>
    public bool HasJournal => Opened.Count > 0 || Batches.Count > 0;

    public bool IsEmpty =>
        !HasJournal && Touched.Count == 0 && Renamed.Count == 0 && Streams.Count == 0 && Sponsorships.Count == 0
        && Operations.IsEmpty && Outbox.Count == 0 && PublishedThrough is null && PublishedTransfers is null;

    /// <summary>Notes for the next group: these, emptied, unless a rare big group made them too large to empty every time.</summary>
    public Changes Next()
    {
        if (Touched.Count > KeptAccounts)
            return new Changes();
        Opened.Clear();
        Touched.Clear();
        Renamed.Clear();
        Batches.Clear();
        Streams.Clear();
        Sponsorships.Clear();
        Operations.Clear();
        Outbox.Clear();
        PublishedThrough = null;
        PublishedTransfers = null;
        return this;
    }
}

/// <summary>An event that does not follow from the journal, on its way to the bus.</summary>
/// <param name="Sequence">Grows over the whole ledger.</param>
/// <param name="Type">The name of the contract.</param>
/// <param name="Payload">The contract as JSON.</param>
internal sealed record OutboxMessage(long Sequence, string Type, string Payload);
