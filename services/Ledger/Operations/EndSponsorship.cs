using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>The end of sponsorships before their stream's: at their sponsor's wish, or when the campaign time is over. What is left goes back.</summary>
internal sealed record EndSponsorship(string SponsorAccountId, Guid SponsorshipId)
{
    /// <summary>True when it ended now, false when it is not active any more.</summary>
    public Decided<bool> Decide(LedgerState state)
    {
        if (state.ActiveSponsorship(SponsorshipId) is not { } sponsorship)
            return false;
        if (sponsorship.SponsorAccountId != SponsorAccountId)
            return LedgerErrors.UnknownSponsorship;
        Refund(state, sponsorship);
        return true;
    }

    /// <summary>Ends those whose campaign is over.</summary>
    /// <returns>How many.</returns>
    public static int Overdue(LedgerState state)
    {
        var ended = 0;
        foreach (var sponsorship in state.ActiveSponsorships())
        {
            if (sponsorship.EndsAtMs > state.NowMs || sponsorship.EndsAtMs is null)
                continue;
            Refund(state, sponsorship);
            ended++;
        }

        return ended;
    }

    /// <summary>Gives back what is left. The id is derived from the sponsorship: there is one refund, whoever asks for it.</summary>
    public static void Refund(LedgerState state, Sponsorship sponsorship)
    {
        var posting = state.Post(new TransferBatch(
            DerivedId.Of("refund", sponsorship.Id.ToString()),
            DerivedId.Of("refund", sponsorship.Id.ToString(), sponsorship.StreamId),
            TransferCode.Refund,
            AccountIds.Reserved + "settlement",
            sponsorship.Id.ToString(),
            Window: null,
            [new Leg(sponsorship.EscrowAccountId, sponsorship.SponsorAccountId, sponsorship.Left)]));
        if (posting.IsBooked)
            state.Save(sponsorship with { State = SponsorshipState.Ended });
    }
}
