namespace Beacon.Ledger.Books;

/// <summary>
/// What became of a batch. When several apply, the first of this list is the answer: a malformed request is refused
/// whatever the state; a repeated one is recognised before anything that may have changed since is looked at; of the
/// legs, the first that cannot be booked decides.
/// </summary>
public enum PostingStatus
{
    /// <summary>Booked now.</summary>
    Posted = 0,

    /// <summary>An amount is not 1 to <see cref="Amounts.Max"/>.</summary>
    InvalidAmount = 1,

    /// <summary>A leg debits and credits the same account.</summary>
    SameAccount = 2,

    /// <summary>Booked before, with the same content.</summary>
    Exists = 3,

    /// <summary>The id was used before, for something else.</summary>
    ExistsWithDifferentContent = 4,

    /// <summary>A leg names an account that is not open.</summary>
    UnknownAccount = 5,

    /// <summary>A debited account would go below zero and may not.</summary>
    InsufficientCredits = 6,

    /// <summary>A balance would leave the range of 64 bits.</summary>
    BalanceOverflow = 7,
}

/// <summary>The answer to a batch.</summary>
/// <param name="Batch">What stands in the journal: for <see cref="PostingStatus.Posted"/> and <see cref="PostingStatus.Exists"/>.</param>
public readonly record struct Posting(PostingStatus Status, PostedBatch? Batch)
{
    public bool IsBooked => Batch is not null;
}
