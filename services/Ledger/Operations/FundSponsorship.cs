using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Operations;

/// <summary>A sponsor's budget moves from the wallet into an escrow of its own.</summary>
internal sealed record FundSponsorship(string AccountId, string Name, Guid SponsorshipId, string StreamId, long Budget, long Rate, Pace Pace = default)
{
    public Decided<Funded> Decide(LedgerState state)
    {
        var content = Content();
        if (state.Replay(SponsorshipId, TransferCode.SponsorshipFunding, content, Budget) is { } replay)
            return replay.Batch is { } first ? new Funded(Made(first.BookedAtMs, state), first) : LedgerErrors.Of(replay.Status);
        if (state.Stream(StreamId) is not { IsLive: true })
            return CommonErrors.UnknownStream;
        // Looked at before the escrow is opened: a refusal leaves no account behind.
        var wallet = state.Wallet(AccountId, Name);
        if (wallet.IsFrozen)
            return LedgerErrors.AccountFrozen;
        if (state.ActiveSponsorships(StreamId).Count >= state.Options.MaxSponsorshipsPerStream)
            return LedgerErrors.TooManySponsorships;
        if (wallet.Available < Budget)
            return LedgerErrors.InsufficientCredits;
        var made = Made(state.NowMs, state);
        state.OpenEscrow(made);
        var posting = state.Post(new TransferBatch(
            SponsorshipId,
            content,
            TransferCode.SponsorshipFunding,
            AccountId,
            SponsorshipId.ToString(),
            Window: null,
            [new Leg(AccountId, made.EscrowAccountId, Budget)]));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        state.Save(made with { Number = posted.Sequence });
        return new Funded(made, posted);
    }

    /// <summary>The sponsorship as it was made, which is also the answer to a repetition.</summary>
    private Sponsorship Made(long createdAtMs, LedgerState state)
    {
        var pace = Pace == default ? new Pace(0, state.Options.SponsorshipCampaignMinutes * 60_000L) : Pace;
        return new Sponsorship(SponsorshipId, StreamId, AccountId, Budget, Rate, SponsorshipState.Active, createdAtMs, pace);
    }

    // A pace is a part of it only where there is one: what was asked before there were any stays the same.
    private Guid Content()
    {
        string[] asked = ["sponsorship", AccountId, StreamId, Text(Budget), Text(Rate)];
        return DerivedId.Of(Pace == default ? asked : [.. asked, Text(Pace.MaxPerHour), Text(Pace.CampaignMs)]);

        static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>A funded sponsorship.</summary>
/// <param name="Made">As it was made.</param>
/// <param name="Batch">The booking of its funding.</param>
internal sealed record Funded(Sponsorship Made, PostedBatch Batch)
{
    /// <summary>The sponsor's balance after it.</summary>
    public long Balance => Batch.Transfers[0].DebitBalance;
}
