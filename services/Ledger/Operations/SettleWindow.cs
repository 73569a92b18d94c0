using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// Pays the verified work of one window of a stream, once: relay pay from issuance, and what the stream's sponsors owe for
/// its viewers. The batch of the relay pay, which may be empty, marks the window as settled, so that a repetition cannot
/// charge a sponsorship that was made later. Windows may come in any order; each stands for itself.
/// </summary>
/// <param name="ConsumedBytes">What all viewers verifiably received; null when the sender does not count it.</param>
internal sealed record SettleWindow(
    string StreamId, string BroadcasterAccountId, long Window, int WindowMs, int Viewers, IReadOnlyList<RelayWork> Relays, long? ConsumedBytes = null)
{
    private const string Actor = AccountIds.Reserved + "settlement";

    private string WindowText => Text(Window);

    public PostingStatus Decide(LedgerState state)
    {
        var relays = RelayPay.Merge(Relays);
        var batchId = DerivedId.Of("relay", StreamId, WindowText);
        var content = Content(relays);
        if (state.Replay(batchId, TransferCode.Relay, content, amount: null) is { } replay)
            return replay.Status;
        // A stream without an audience leaves no mark every ten seconds: nothing is due, whenever it is told again.
        if (Viewers == 0 && relays.All(relay => RelayPay.Of(relay.VerifiedBytes, WindowMs) == 0))
            return PostingStatus.Posted;

        var options = state.Options;
        var settlement = RelaySettlement.Of(
            relays,
            WindowMs,
            ConsumedBytes,
            new RelayPayRules(options.RelayMaxMbpsPerAccount, options.RelayMaxMbpsPerStream, options.RelayProbationWindows, options.RelayProbationAccounts),
            state.Standing);
        var stream = state.Stream(StreamId) ?? StreamFacts.Record(state, StreamId, BroadcasterAccountId, startedAtMs: 0);
        foreach (var relay in relays)
        {
            if (relay.VerifiedBytes > 0)
                state.Wallet(relay.AccountId, "");
        }

        var status = Pay(state, batchId, content, settlement.Pay);
        if (status != PostingStatus.Posted)
            return status;
        foreach (var released in settlement.Released)
            Pay(state, DerivedId.Of("probation", released.AccountId, StreamId, WindowText), content, [released]);
        foreach (var (account, standing) in settlement.Standings)
            state.Save(state.Wallet(account, ""), standing);
        state.Refused(StreamId, Window, settlement.Refused);
        foreach (var sponsorship in state.ActiveSponsorships(StreamId))
            Spend(state, stream, sponsorship, settlement.Paid);
        return status;
    }

    private PostingStatus Pay(LedgerState state, Guid batchId, Guid content, IReadOnlyList<Payment> payments)
    {
        var legs = new Leg[payments.Count];
        for (var i = 0; i < legs.Length; i++)
            legs[i] = new Leg(AccountIds.RelayIssuance, payments[i].AccountId, payments[i].Amount);
        return state.Post(new TransferBatch(batchId, content, TransferCode.Relay, Actor, StreamId, Window, legs)).Status;
    }

    private void Spend(LedgerState state, StreamRecord stream, Sponsorship sponsorship, IReadOnlyList<RelayWork> relays)
    {
        if (Viewers == 0)
            return;
        var viewed = new Delivery((long)Viewers * WindowMs, Spent: 0, ToRelays: 0);
        var due = SponsorshipSpend.Due(sponsorship.Rate, Viewers, WindowMs, sponsorship.Allowed(state.NowMs));
        if (due == 0)
        {
            state.Save(sponsorship.Deliver(viewed, state.NowMs));
            return;
        }

        var share = state.Options.BroadcasterShareBps;
        var payments = SponsorshipSpend.Divide(due, share, stream.Squad, relays);
        var posting = state.Post(new TransferBatch(
            DerivedId.Of("sponsorship", sponsorship.Id.ToString(), StreamId, WindowText),
            DerivedId.Of("spend", Text(due)),
            TransferCode.Sponsorship,
            Actor,
            sponsorship.Id.ToString(),
            Window,
            [.. payments.Select(payment => new Leg(sponsorship.EscrowAccountId, payment.AccountId, payment.Amount))]));
        if (posting.Status != PostingStatus.Posted)
            return;
        var toRelays = SponsorshipSpend.Halves(due, share, relays.Any(relay => relay.VerifiedBytes > 0))[1];
        state.Save(sponsorship.Deliver(viewed with { Spent = due, ToRelays = toRelays }, state.NowMs));
    }

    // What a sender of before did not tell is no part of it: the same window told again by a newer one is another matter.
    private Guid Content(IReadOnlyList<RelayWork> relays) => DerivedId.Of(
    [
        Text(WindowMs),
        Text(Viewers),
        .. relays.SelectMany(relay => new[] { relay.AccountId, Text(relay.VerifiedBytes) }),
        .. ConsumedBytes is { } consumed ? [Text(consumed)] : Array.Empty<string>(),
    ]);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
