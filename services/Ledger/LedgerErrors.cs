using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Npgsql;
using SQLitePCL;

namespace Beacon.Ledger;

/// <summary>Every way in which a call to the ledger can fail, besides <see cref="CommonErrors"/>.</summary>
public static class LedgerErrors
{
    public static readonly Fault InvalidAmount = new("invalid_amount", StatusCode.InvalidArgument, "An amount is 1 to 1,000,000,000,000 micro-credits, a rate per viewer-minute 1 to 1,000,000,000.");
    public static readonly Fault InvalidTransferId = new("invalid_transfer_id", StatusCode.InvalidArgument, "The id must be a UUID in its usual text form, made by the caller; version 8 is the ledger's own.");
    public static readonly Fault InvalidAccountId = new("invalid_account_id", StatusCode.InvalidArgument, "An account id has 1 to 200 characters, no control characters, and does not start with \"ledger:\".");
    public static readonly Fault InvalidDisplayName = new("invalid_display_name", StatusCode.InvalidArgument, "A display name has at most 100 characters and no control characters.");
    public static readonly Fault InsufficientCredits = new("insufficient_credits", StatusCode.FailedPrecondition, "The wallet has less than the amount to spend.");
    public static readonly Fault AccountFrozen = new("account_frozen", StatusCode.FailedPrecondition, "The wallet is frozen: nothing leaves it until an operator ends that.");
    public static readonly Fault SelfTip = new("self_tip", StatusCode.FailedPrecondition, "Nobody but the tipper shares this stream's revenue.");
    public static readonly Fault SquadChanged = new("squad_changed", StatusCode.FailedPrecondition, "The squad is not the one of this version any more. Read it again, and ask again.");
    public static readonly Fault ExistsWithDifferentCode = new("exists_with_different_code", StatusCode.AlreadyExists, "This id was used before for another kind of transfer. Use a new id for a new transfer.");
    public static readonly Fault ExistsWithDifferentAmount = new("exists_with_different_amount", StatusCode.AlreadyExists, "This id was used before with another amount. Use a new id for a new transfer.");
    public static readonly Fault ExistsWithDifferentContent = new("exists_with_different_content", StatusCode.AlreadyExists, "This id was used before for somebody or something else. Use a new id for a new transfer.");
    public static readonly Fault UnknownAccount = new("unknown_account", StatusCode.NotFound, "No wallet is open under this account id.");
    public static readonly Fault NotYourAccount = new("not_your_account", StatusCode.PermissionDenied, "Only the account itself or an operator may see this.");
    public static readonly Fault UnknownTransfer = new("unknown_transfer", StatusCode.NotFound, "The caller has no transfer of this id.");
    public static readonly Fault InvalidMoment = new("invalid_moment", StatusCode.InvalidArgument, "A moment is a time or the number of a transfer, 0 or more, not both; a range does not end before it begins.");
    public static readonly Fault InvalidNote = new("invalid_note", StatusCode.InvalidArgument, "A note has at most 200 characters and no control characters.");
    public static readonly Fault UnknownWithdrawal = new("unknown_withdrawal", StatusCode.NotFound, "There is no withdrawal of this id, or it is another's.");
    public static readonly Fault TooManyWithdrawals = new("too_many_withdrawals", StatusCode.FailedPrecondition, "As many withdrawals of this wallet wait for an operator as may.");
    public static readonly Fault PendingAlreadyPosted = new("pending_already_posted", StatusCode.FailedPrecondition, "The withdrawal was paid out before, under another id.");
    public static readonly Fault PendingAlreadyVoided = new("pending_already_voided", StatusCode.FailedPrecondition, "The withdrawal was refused before, under another id.");
    public static readonly Fault PendingExpired = new("pending_expired", StatusCode.FailedPrecondition, "The time of the withdrawal is over; its credits are free again.");
    public static readonly Fault InvalidPace = new("invalid_pace", StatusCode.InvalidArgument, "The most per hour is 0 to 1,000,000,000,000 micro-credits, the campaign 0 to 525,600 minutes.");
    public static readonly Fault TooManySponsorships = new("too_many_sponsorships", StatusCode.FailedPrecondition, "As many sponsorships of this stream run as may.");
    public static readonly Fault UnknownSponsorship = new("unknown_sponsorship", StatusCode.NotFound, "The caller has no sponsorship of this id.");
    public static readonly Fault SponsorshipOver = new("sponsorship_over", StatusCode.FailedPrecondition, "The sponsorship is spent or has ended: make a new one.");
    public static readonly Fault SharesMustAddUp = new("shares_must_add_up", StatusCode.InvalidArgument, "The shares are 1 or more basis points each and add up to 10,000.");
    public static readonly Fault DuplicateMember = new("duplicate_member", StatusCode.InvalidArgument, "An account stands in the squad more than once.");
    public static readonly Fault SquadTooLarge = new("squad_too_large", StatusCode.InvalidArgument, "A squad has at most 16 members.");
    public static readonly Fault OperatorOnly = new("operator_only", StatusCode.PermissionDenied, "Only an operator may do this.");
    public static readonly Fault BalanceOverflow = new("balance_overflow", StatusCode.FailedPrecondition, "A balance would leave the range of the ledger.");
    public static readonly Fault LedgerBusy = new("ledger_busy", StatusCode.ResourceExhausted, "More requests wait than the ledger's queue holds. Try again.", Retryable: true);
    public static readonly Fault LedgerUnavailable = new("ledger_unavailable", StatusCode.Unavailable, "The ledger could not make this durable. Try again with the same id.", Retryable: true);
    public static readonly Fault LedgerDiskFull = new("ledger_disk_full", StatusCode.Unavailable, "The ledger's disk is full; nothing was booked. Try again later with the same id.", Retryable: true);
    public static readonly Fault LedgerReadOnly = new("ledger_read_only", StatusCode.Unavailable, "The ledger's file cannot be written; nothing was booked. Try again later with the same id.", Retryable: true);
    public static readonly Fault BackupRunning = new("backup_running", StatusCode.FailedPrecondition, "Another backup is being made.");
    public static readonly Fault BackupFailed = new("backup_failed", StatusCode.Unavailable, "The backup could not be made; the ledger itself is not touched by that.", Retryable: true);

    public static readonly Fault BackupsByTheDatabase = new("backups_by_the_database", StatusCode.FailedPrecondition, "This ledger is kept in PostgreSQL: its backups are made with PostgreSQL's own means.");
    public static readonly Fault LedgerStandby = new("ledger_standby", StatusCode.Unavailable, "Another instance of the ledger writes. Try again with the same id.", Retryable: true);

    /// <summary>The failure that a caller sees when a commit failed.</summary>
    internal static Fault Of(Exception exception) => exception switch
    {
        StandbyException => LedgerStandby,
        SqliteException { SqliteErrorCode: raw.SQLITE_FULL } or PostgresException { SqlState: PostgresErrorCodes.DiskFull } => LedgerDiskFull,
        SqliteException { SqliteErrorCode: raw.SQLITE_READONLY or raw.SQLITE_PERM } or PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => LedgerReadOnly,
        _ => LedgerUnavailable,
    };

    /// <summary>The failure that a caller sees for a batch that was not booked.</summary>
    internal static Fault Of(PostingStatus status) => status switch
    {
        PostingStatus.InvalidAmount => InvalidAmount,
        PostingStatus.ExistsWithDifferentCode => ExistsWithDifferentCode,
        PostingStatus.ExistsWithDifferentAmount => ExistsWithDifferentAmount,
        PostingStatus.ExistsWithDifferentContent => ExistsWithDifferentContent,
        PostingStatus.UnknownPending => UnknownWithdrawal,
        PostingStatus.PendingAlreadyPosted => PendingAlreadyPosted,
        PostingStatus.PendingAlreadyVoided => PendingAlreadyVoided,
        PostingStatus.PendingExpired => PendingExpired,
        PostingStatus.AccountFrozen => AccountFrozen,
        PostingStatus.UnknownAccount => UnknownAccount,
        PostingStatus.InsufficientCredits => InsufficientCredits,
        PostingStatus.BalanceOverflow => BalanceOverflow,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Nothing that a caller causes."),
    };
}
