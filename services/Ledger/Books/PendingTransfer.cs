namespace Beacon.Ledger.Books;

/// <summary>The numbers are stored and equal those of the wire.</summary>
public enum PendingState
{
    /// <summary>The amount is held.</summary>
    Pending = 1,

    /// <summary>The amount moved.</summary>
    Posted = 2,

    /// <summary>Given up; nothing moved.</summary>
    Voided = 3,

    /// <summary>Nobody decided in time; nothing moved.</summary>
    Expired = 4,
}

/// <summary>
/// A transfer in two steps: the amount is held in the debited account, and moves, or is released, later. Exactly one of
/// posting, voiding and expiry ends it.
/// </summary>
/// <param name="Number">The sequence of the batch, without legs, that noted the request in the journal.</param>
/// <param name="Id">Also that batch's id.</param>
/// <param name="Amount">Micro-credits.</param>
/// <param name="CreatedAtMs">Unix milliseconds, as are the other times.</param>
/// <param name="ExpiresAtMs">From this moment on it can no longer be posted or voided.</param>
/// <param name="ResolvedBy">The batch that posted or voided it.</param>
public sealed record PendingTransfer(
    long Number,
    Guid Id,
    Account Debit,
    Account Credit,
    long Amount,
    long CreatedAtMs,
    long ExpiresAtMs,
    PendingState State,
    long? ResolvedAtMs = null,
    Guid? ResolvedBy = null);
