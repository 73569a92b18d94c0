namespace Beacon.Ledger.Books;

/// <summary>
/// What became of a request. When several apply, the first of this list is the answer: a malformed request is refused
/// whatever the state; a repeated one is recognised before anything that may have changed since is looked at; then what the
/// request names must be there and open; of the legs, the first that cannot be booked decides. The order is documented for
/// users in docs/errors.md.
/// </summary>
public enum PostingStatus
{
    /// <summary>Booked now.</summary>
    Posted = 0,

    /// <summary>An amount is not 1 to <see cref="Amounts.Max"/>.</summary>
    InvalidAmount,

    /// <summary>A leg debits and credits the same account.</summary>
    SameAccount,

    /// <summary>A hold that would end before it begins.</summary>
    InvalidExpiry,

    /// <summary>Booked before, with the same content.</summary>
    Exists,

    /// <summary>The id was used before, for another kind of transfer.</summary>
    ExistsWithDifferentCode,

    /// <summary>The id was used before, for the same kind of transfer of another amount.</summary>
    ExistsWithDifferentAmount,

    /// <summary>The id was used before, with the same amount for somebody or something else.</summary>
    ExistsWithDifferentContent,

    /// <summary>No pending transfer was ever made under this id.</summary>
    UnknownPending,

    PendingAlreadyPosted,

    PendingAlreadyVoided,

    /// <summary>Its time ran out before it was posted or voided.</summary>
    PendingExpired,

    /// <summary>A leg names an account that is not open.</summary>
    UnknownAccount,

    /// <summary>A debited account is frozen.</summary>
    AccountFrozen,

    /// <summary>A debited account would spend what it does not have, or what is held.</summary>
    InsufficientCredits,

    /// <summary>A balance would leave the range of 64 bits.</summary>
    BalanceOverflow,
}

/// <summary>The answer to a request.</summary>
/// <param name="Batch">What stands in the journal: for <see cref="PostingStatus.Posted"/> and <see cref="PostingStatus.Exists"/>.</param>
/// <param name="Pending">The pending transfer that was made or resolved now.</param>
public readonly record struct Posting(PostingStatus Status, PostedBatch? Batch, PendingTransfer? Pending = null)
{
    public bool IsBooked => Batch is not null;
}
