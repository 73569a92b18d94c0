namespace Beacon.Ledger.Books;

/// <summary>The numbers are stored and equal those of the wire.</summary>
public enum SponsorshipState
{
    Active = 1,

    /// <summary>The budget is spent.</summary>
    Spent = 2,

    /// <summary>The stream ended; what was left went back.</summary>
    Ended = 3,
}

/// <summary>A funded budget for one stream. All amounts in micro-credits.</summary>
/// <param name="Rate">Per verified viewer-minute.</param>
public sealed record Sponsorship(
    Guid Id,
    string StreamId,
    string SponsorAccountId,
    long Budget,
    long Spent,
    long Rate,
    SponsorshipState State)
{
    public long Left => Budget - Spent;

    public string EscrowAccountId => AccountIds.Escrow(Id);

    /// <summary>After a window's cost.</summary>
    public Sponsorship Spend(long amount) => this with
    {
        Spent = Spent + amount,
        State = Spent + amount == Budget ? SponsorshipState.Spent : State,
    };
}
