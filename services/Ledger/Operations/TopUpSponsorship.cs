using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// More money for a sponsorship that runs, from its sponsor's wallet into its escrow. The budget grows by it; the rate and the
/// pace stay: of a campaign, the part of it that is over is free at once. Order of answers: a repetition first, then
/// <c>unknown_sponsorship</c>, <c>sponsorship_over</c>, <c>invalid_amount</c> (the budget would be more than one may be),
/// <c>account_frozen</c>, <c>insufficient_credits</c>.
/// </summary>
internal sealed record TopUpSponsorship(string AccountId, Guid SponsorshipId, long Amount, Guid TransferId)
{
    public Decided<PostedBatch> Decide(LedgerState state)
    {
        var content = DerivedId.Of("top-up", AccountId, SponsorshipId.ToString(), Amount.ToString(CultureInfo.InvariantCulture));
        if (state.Replay(TransferId, TransferCode.SponsorshipFunding, content, Amount) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.ActiveSponsorship(SponsorshipId) is not { } sponsorship)
            return state.Find(AccountIds.Escrow(SponsorshipId)) is null ? LedgerErrors.UnknownSponsorship : LedgerErrors.SponsorshipOver;
        if (sponsorship.SponsorAccountId != AccountId)
            return LedgerErrors.UnknownSponsorship;
        // An end gives all of it back in one transfer, which has a largest amount.
        if (sponsorship.Budget + Amount > Amounts.Max)
            return LedgerErrors.InvalidAmount;
        var posting = state.Post(new TransferBatch(
            TransferId,
            content,
            TransferCode.SponsorshipFunding,
            AccountId,
            SponsorshipId.ToString(),
            Window: null,
            [new Leg(AccountId, sponsorship.EscrowAccountId, Amount)]));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        state.Save(sponsorship with { Budget = sponsorship.Budget + Amount });
        return posted;
    }
}
