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
    /// Transfers whose ids and results are kept in memory at most for quick answers to retries, and half of them at least; older ones are found
    /// in the file, for ever. 1 to 10,000,000, default 16,384, about 5 MB: what is kept for seconds is moved about by the collector, which costs more than the rare look-up.
    /// </summary>
    [Range(1, 10_000_000)]
    public int RecentTransfersKept { get; set; } = 16_384;

    /// <summary>Events that are read from the outbox at a time. 1 to 10,000, default 500.</summary>
    [Range(1, 10_000)]
    public int OutboxPageSize { get; set; } = 500;

    /// <summary>How long the outbox waits, in seconds, before it looks again without being woken by a commit. 1 to 3,600, default 15.</summary>
    [Range(1, 3_600)]
    public int OutboxFallbackSeconds { get; set; } = 15;

    /// <summary>How often, in seconds, the sum over all balances in the file is checked to be zero. 1 to 86,400, default 60.</summary>
    [Range(1, 86_400)]
    public int BalanceCheckSeconds { get; set; } = 60;

    /// <summary>
    /// The most that one account is paid for relaying in one window of one stream, in Mbit/s. 1 to 100,000, default 1,000: more than
    /// the uplink of any viewer, so that only a defect or a fraud meets it.
    /// </summary>
    [Range(1, 100_000)]
    public int RelayMaxMbpsPerAccount { get; set; } = 1_000;

    /// <summary>
    /// The most that all relays together are paid for in one window of one stream, in Mbit/s; above it all are cut in proportion.
    /// 1 to 10,000,000, default 1,000,000: a hundred thousand viewers at 10 Mbit/s.
    /// </summary>
    [Range(1, 10_000_000)]
    public int RelayMaxMbpsPerStream { get; set; } = 1_000_000;

    /// <summary>
    /// Windows of a stream that must speak for an account before its relay pay is issued; what it earns until then is kept and
    /// paid with the last of them. 0 to 8,640, default 6: with windows of 10 s a minute of real work, which a crowd of fresh
    /// accounts that come and go never reaches. 0 = none, as in the development profile.
    /// </summary>
    [Range(0, 8_640)]
    public int RelayProbationWindows { get; set; } = 6;

    /// <summary>Unrelated accounts whose receipts make a window speak for an account. 1 to 8, default 1: a leaf of the tree seldom has more children.</summary>
    [Range(1, 8)]
    public int RelayProbationAccounts { get; set; } = 1;

    /// <summary>Rows that one window of a stream may add to the report of refused work; the largest are kept. 1 to 10,000, default 200. The metric counts all.</summary>
    [Range(1, 10_000)]
    public int RefusedWorkPerWindow { get; set; } = 200;

    /// <summary>Rows that the report of refused work keeps; the oldest make room. 1 to 10,000,000, default 100,000, about 15 MB.</summary>
    [Range(1, 10_000_000)]
    public int RefusedWorkKept { get; set; } = 100_000;

    /// <summary>How long a withdrawal waits for an operator, in hours, before the credits are free again. 1 to 2,160, default 168: a week.</summary>
    [Range(1, 2_160)]
    public int WithdrawalTimeoutHours { get; set; } = 168;

    /// <summary>Withdrawals of one account that may wait at a time. 1 to 1,000, default 10.</summary>
    [Range(1, 1_000)]
    public int MaxWaitingWithdrawals { get; set; } = 10;

    /// <summary>
    /// The campaign time of a sponsorship that names no pace, in minutes: its budget is spread evenly over it. 0 to 525,600,
    /// default 0: as fast as the audience comes.
    /// </summary>
    [Range(0, 525_600)]
    public int SponsorshipCampaignMinutes { get; set; }

    /// <summary>Sponsorships of one stream that may run at a time: each costs a booking a window. 1 to 1,000, default 100.</summary>
    [Range(1, 1_000)]
    public int MaxSponsorshipsPerStream { get; set; } = 100;

    /// <summary>How often, in seconds, the ledger looks for withdrawals and campaigns whose time is over. 1 to 3,600, default 10.</summary>
    [Range(1, 3_600)]
    public int DeadlineCheckSeconds { get; set; } = 10;

    /// <summary>
    /// Memory for pages of the file that the writer uses, in MiB. 1 to 65,536, default 64: the pages that a full group
    /// changes must fit, or they are written twice.
    /// </summary>
    [Range(1, 65_536)]
    public int PageCacheMegabytes { get; set; } = 64;

    /// <summary>
    /// How large the write-ahead log grows, in MiB, before its pages are brought into the file. 1 to 65,536, default 64:
    /// seldom enough that a page that changes often is brought once, often enough that a start after a crash reads little.
    /// </summary>
    [Range(1, 65_536)]
    public int CheckpointMegabytes { get; set; } = 64;

    /// <summary>How often, in seconds, the running ledger replays a slice of its journal against itself. 1 to 86,400, default 10.</summary>
    [Range(1, 86_400)]
    public int ProofSliceSeconds { get; set; } = 10;

    /// <summary>
    /// Rows of the journal that are replayed in one slice. 1,000 to 10,000,000, default 20,000: a twentieth of a second, and
    /// a million transfers proved every twelve minutes.
    /// </summary>
    [Range(1_000, 10_000_000)]
    public int ProofSliceRows { get; set; } = 20_000;

    /// <summary>
    /// How often, in minutes, a backup is made by itself. 0 to 525,600, default 0: never, because a backup beside the ledger
    /// that nobody takes elsewhere only fills the disk.
    /// </summary>
    [Range(0, 525_600)]
    public int BackupMinutes { get; set; }

    /// <summary>Backups that are kept; the oldest goes when there is one more. 1 to 10,000, default 7: a week of daily ones.</summary>
    [Range(1, 10_000)]
    public int BackupsKept { get; set; } = 7;

    /// <summary>The folder of the backups. By default <c>backups</c> beside the ledger's file; another disk is wiser.</summary>
    public string BackupDirectory { get; set; } = "";
}
