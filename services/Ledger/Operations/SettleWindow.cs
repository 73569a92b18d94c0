using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// Pays the verified work of one window of a stream, once: relay pay from issuance, and what the stream's sponsors owe for
/// its viewers. The batch of the relay pay, which may be empty, marks the window as settled, so that a repetition cannot
/// charge a sponsorship that was made later.
/// </summary>
internal sealed record SettleWindow(
    string StreamId, string BroadcasterAccountId, long Window, int WindowMs, int Viewers, IReadOnlyList<RelayWork> Relays)
{
    private const string Actor = AccountIds.Reserved + "settlement";

    private string WindowText => Window.ToString(CultureInfo.InvariantCulture);

    public PostingStatus Decide(LedgerState state)
    {
        var relays = RelayPay.Merge(Relays);
        var batchId = DerivedId.Of("relay", StreamId, WindowText);
        var content = Content(relays);
        if (state.Replay(batchId, content) is { } replay)
            return replay.Status;
        var pay = relays.Select(relay => (relay.AccountId, Amount: RelayPay.Of(relay.VerifiedBytes, WindowMs))).Where(entry => entry.Amount > 0).ToArray();
        if (pay.Any(entry => entry.Amount > Amounts.Max))
            return PostingStatus.InvalidAmount;
        // A stream without an audience leaves no mark every ten seconds: nothing is due, whenever it is told again.
        if (pay.Length == 0 && Viewers == 0)
            return PostingStatus.Posted;

        var stream = state.Stream(StreamId) ?? StreamFacts.Record(state, StreamId, BroadcasterAccountId, startedAtMs: 0);
        foreach (var relay in relays)
            state.Wallet(relay.AccountId, "");
        var posting = state.Post(new TransferBatch(
            batchId,
            content,
            TransferCode.Relay,
            Actor,
            StreamId,
            Window,
            [.. pay.Select(entry => new Leg(AccountIds.RelayIssuance, entry.AccountId, (long)entry.Amount))]));
        if (posting.Status == PostingStatus.Posted)
        {
            foreach (var sponsorship in state.ActiveSponsorships(StreamId))
                Spend(state, stream, sponsorship, relays);
        }

        return posting.Status;
    }

    private void Spend(LedgerState state, StreamRecord stream, Sponsorship sponsorship, IReadOnlyList<RelayWork> relays)
    {
        var due = SponsorshipSpend.Due(sponsorship.Rate, Viewers, WindowMs, sponsorship.Left);
        if (due == 0)
            return;
        var payments = SponsorshipSpend.Divide(due, state.Options.BroadcasterShareBps, stream.Squad, relays);
        var posting = state.Post(new TransferBatch(
            DerivedId.Of("sponsorship", sponsorship.Id.ToString(), StreamId, WindowText),
            DerivedId.Of("spend", due.ToString(CultureInfo.InvariantCulture)),
            TransferCode.Sponsorship,
            Actor,
            sponsorship.Id.ToString(),
            Window,
            [.. payments.Select(payment => new Leg(sponsorship.EscrowAccountId, payment.AccountId, payment.Amount))]));
        if (posting.Status == PostingStatus.Posted)
            state.Save(sponsorship.Spend(due));
    }

    private Guid Content(IReadOnlyList<RelayWork> relays) => DerivedId.Of(
    [
        WindowMs.ToString(CultureInfo.InvariantCulture),
        Viewers.ToString(CultureInfo.InvariantCulture),
        .. relays.SelectMany(relay => new[] { relay.AccountId, relay.VerifiedBytes.ToString(CultureInfo.InvariantCulture) }),
    ]);
}
