namespace Beacon.Ledger.Books;

/// <summary>
/// Linked transfers that are posted together or not at all. The batch is the unit of idempotency: the same
/// <paramref name="Id"/> again gives the first result.
/// </summary>
/// <param name="Id">Made by the caller, or derived (<see cref="DerivedId"/>) from what the batch is about.</param>
/// <param name="Content">
/// Stands for what was asked, not for the legs: a tip that is asked again is the same tip although the squad, and so its
/// legs, changed in between.
/// </param>
/// <param name="Actor">The account on whose request this is booked, or the ledger itself.</param>
/// <param name="Reference">What it is about: a stream id, a sponsorship id.</param>
/// <param name="Window">What its code counts by: the settlement window of pay, the version of the squad that a tip was divided by.</param>
/// <param name="Legs">May be empty: then the batch only marks its id as done.</param>
public sealed record TransferBatch(
    Guid Id,
    Guid Content,
    TransferCode Code,
    string Actor,
    string Reference,
    long? Window,
    IReadOnlyList<Leg> Legs);

/// <summary>One movement from an account to another.</summary>
/// <param name="Amount">Micro-credits, 1 to <see cref="Amounts.Max"/>.</param>
public readonly record struct Leg(string DebitAccountId, string CreditAccountId, long Amount);

/// <summary>One immutable booking, with the balances that it left.</summary>
/// <param name="Sequence">Grows by one over the whole journal.</param>
/// <param name="Id">The batch's own id when it has one leg, else derived from it and the leg's number.</param>
public sealed record Transfer(
    long Sequence,
    Guid Id,
    Account Debit,
    Account Credit,
    long Amount,
    long DebitBalance,
    long CreditBalance);

/// <summary>A batch as it stands in the journal.</summary>
/// <param name="Sequence">Grows by one over the whole journal.</param>
/// <param name="BookedAtMs">Unix milliseconds.</param>
/// <param name="Window">As in <see cref="TransferBatch"/>.</param>
public sealed record PostedBatch(
    long Sequence, Guid Id, Guid Content, long BookedAtMs, IReadOnlyList<Transfer> Transfers, TransferCode Code, long? Window)
{
    /// <summary>The sequence of the last of them; they follow each other. 0 without any.</summary>
    public long LastTransfer => Transfers.Count == 0 ? 0 : Transfers[^1].Sequence;

    public long Total => Transfers.Sum(transfer => transfer.Amount);
}
