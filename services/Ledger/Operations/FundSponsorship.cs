using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Operations;

/// <summary>A sponsor's budget moves from the wallet into an escrow of its own.</summary>
internal sealed record FundSponsorship(string AccountId, string Name, Guid SponsorshipId, string StreamId, long Budget, long Rate)
{
    /// <summary>The sponsorship as it was made, which is also the answer to a repetition.</summary>
    public Sponsorship Made => new(SponsorshipId, StreamId, AccountId, Budget, Spent: 0, Rate, SponsorshipState.Active);

    public Decided<PostedBatch> Decide(LedgerState state)
    {
        var content = DerivedId.Of(
            "sponsorship", AccountId, StreamId, Budget.ToString(CultureInfo.InvariantCulture), Rate.ToString(CultureInfo.InvariantCulture));
        if (state.Replay(SponsorshipId, content) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.Stream(StreamId) is not { IsLive: true })
            return CommonErrors.UnknownStream;
        // Looked at before the escrow is opened: a refusal leaves no account behind.
        if (state.Wallet(AccountId, Name).Balance < Budget)
            return LedgerErrors.InsufficientCredits;
        state.OpenEscrow(Made);
        var posting = state.Post(new TransferBatch(
            SponsorshipId,
            content,
            TransferCode.SponsorshipFunding,
            AccountId,
            SponsorshipId.ToString(),
            Window: null,
            [new Leg(AccountId, Made.EscrowAccountId, Budget)]));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        state.Save(Made);
        return posted;
    }
}
