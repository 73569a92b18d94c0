using System.ComponentModel.DataAnnotations;

namespace Beacon.Ledger;

/// <summary>Settings of the ledger (<c>Beacon:Ledger</c>).</summary>
public sealed class LedgerOptions
{
    public const string Section = "Beacon:Ledger";

    /// <summary>
    /// What of a sponsor's money goes to the broadcaster and the squad, in basis points; the stream's relays share the rest by
    /// verified bytes. 0 to 10,000, default 7,000: who makes the content earns most, and carrying it still pays.
    /// </summary>
    [Range(0, 10_000)]
    public int BroadcasterShareBps { get; set; } = 7_000;

    /// <summary>Requests that are committed in one transaction at most. 1 to 65,536, default 4,096: more gained nothing when measured.</summary>
    [Range(1, 65_536)]
    public int MaxGroupSize { get; set; } = 4_096;

    /// <summary>Requests that may wait for the writer; one more is refused with <c>ledger_busy</c>. 1 to 1,048,576, default 16,384.</summary>
    [Range(1, 1_048_576)]
    public int QueueCapacity { get; set; } = 16_384;

    /// <summary>
    /// Transfers whose ids and results are kept in memory for quick answers to retries; older ones are found in the file, for
    /// ever. 1 to 10,000,000, default 100,000, about 30 MB.
    /// </summary>
    [Range(1, 10_000_000)]
    public int RecentTransfersKept { get; set; } = 100_000;

    /// <summary>Events that are read from the outbox at a time. 1 to 10,000, default 500.</summary>
    [Range(1, 10_000)]
    public int OutboxPageSize { get; set; } = 500;

    /// <summary>How long the outbox waits, in seconds, before it looks again without being woken by a commit. 1 to 3,600, default 15.</summary>
    [Range(1, 3_600)]
    public int OutboxFallbackSeconds { get; set; } = 15;

    /// <summary>How often, in seconds, the sum over all balances in the file is checked to be zero. 1 to 86,400, default 60.</summary>
    [Range(1, 86_400)]
    public int BalanceCheckSeconds { get; set; } = 60;
}
