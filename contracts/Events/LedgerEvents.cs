namespace Beacon.Contracts.Events;

/// <summary>An account's balance changed. Published from the Ledger's outbox, at least once, in order per account.</summary>
/// <param name="Sequence">Grows over the whole ledger; a consumer ignores what is not newer than what it has.</param>
/// <param name="AmountMicrocredits">The change; negative when the account paid.</param>
/// <param name="Code"><c>relay</c>, <c>tip</c>, <c>sponsorship</c>, <c>deposit</c>, <c>refund</c> or <c>withdrawal</c>.</param>
public sealed record CreditsEarned(
    long Sequence,
    string AccountId,
    long AmountMicrocredits,
    long BalanceMicrocredits,
    string Code,
    string Reference);

/// <summary>A tip was booked, whole. Published from the Ledger's outbox, at least once.</summary>
public sealed record TipPosted(
    long Sequence,
    string TransferId,
    string StreamId,
    string FromAccountId,
    string FromName,
    long AmountMicrocredits,
    IReadOnlyList<string> RecipientAccountIds);

/// <summary>Other accounts share a stream's revenue from now on. Published from the Ledger's outbox, at least once.</summary>
/// <param name="Version">Grows with each change of the stream's squad; a consumer ignores what is not newer than what it has.</param>
public sealed record SquadChanged(long Sequence, string StreamId, long Version, IReadOnlyList<string> AccountIds);
