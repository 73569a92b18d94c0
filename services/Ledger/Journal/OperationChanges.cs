using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>What the requests of one group changed beside the journal: holds, freezes, standings of relays, refused work.</summary>
internal sealed class OperationChanges
{
    /// <summary>Transfers in two steps that were made, or ended.</summary>
    public Dictionary<Guid, PendingTransfer> Pending { get; } = [];

    public List<Freeze> Freezes { get; } = [];

    public Dictionary<Account, RelayStanding> Standings { get; } = [];

    /// <summary>The rows of the report.</summary>
    public List<RefusedRow> Refused { get; } = [];

    /// <summary>All refused bytes, also those that have no row.</summary>
    public Dictionary<RefusalReason, long> RefusedBytes { get; } = [];

    public bool IsEmpty => Pending.Count == 0 && Freezes.Count == 0 && Standings.Count == 0 && Refused.Count == 0;

    public void Clear()
    {
        Pending.Clear();
        Freezes.Clear();
        Standings.Clear();
        Refused.Clear();
        RefusedBytes.Clear();
    }
}

/// <summary>A freeze, or its end.</summary>
/// <param name="Actor">The operator.</param>
/// <param name="Note">Why, in the operator's words.</param>
internal sealed record Freeze(long Sequence, Account Account, bool Frozen, string Actor, string Note);

/// <summary>Work that was not paid for.</summary>
internal sealed record RefusedRow(long Sequence, string StreamId, long Window, RefusedWork Work);
