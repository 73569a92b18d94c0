using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// Pays the verified work of one window of a stream, once: relay pay from issuance, and what the stream's sponsors owe for
/// its viewers. The batch of the relay pay, which may be empty, marks the window as settled, so that a repetition cannot
/// charge a sponsorship that was made later. A window with more relays than <see cref="PartRelays"/> is paid in parts, each in
/// a turn of the writer. Windows may come in any order; each stands for itself.
/// </summary>
/// <param name="ConsumedBytes">What all viewers verifiably received; null when the sender does not count it.</param>
internal sealed record SettleWindow(
    string StreamId, string BroadcasterAccountId, long Window, int WindowMs, int Viewers, IReadOnlyList<RelayWork> Relays, long? ConsumedBytes = null)
{
    private const string Actor = AccountIds.Reserved + "settlement";

    /// <summary>Relays that are settled in one turn: some tens of milliseconds. Stands in the digest of larger windows, so it is no option.</summary>
    public const int PartRelays = 5_000;

    private string WindowText => Text(Window);

    /// <summary>Settles the window in as many turns of the writer as it takes, so that others come between.</summary>
    public async ValueTask<PostingStatus> RunAsync(LedgerWriter writer, LedgerOptions options, CancellationToken cancellationToken)
    {
        var window = Prepare(options);
        var first = PostingStatus.Posted;
        for (var part = 0; part < window.Parts; part++)
        {
            var number = part;
            var status = await writer.ExecuteAsync(state => Decide(state, window, number), waitForRoom: true, cancellationToken);
            if (status is not (PostingStatus.Posted or PostingStatus.Exists))
                return status;
            first = part == 0 ? status : first;
        }

        return first;
    }

    /// <summary>The whole window in one turn.</summary>
    public PostingStatus Decide(LedgerState state)
    {
        var window = Prepare(state.Options);
        var first = Decide(state, window, part: 0);
        if (first is not (PostingStatus.Posted or PostingStatus.Exists))
            return first;
        for (var part = 1; part < window.Parts; part++)
        {
            if (Decide(state, window, part) is var status and not (PostingStatus.Posted or PostingStatus.Exists))
                return status;
        }

        return first;
    }

    /// <summary>What does not need the writer's turn.</summary>
    private Prepared Prepare(LedgerOptions options)
    {
        var relays = RelayPay.Merge(Relays);
        var rules = new RelayPayRules(options.RelayMaxMbpsPerAccount, options.RelayMaxMbpsPerStream, options.RelayProbationWindows, options.RelayProbationAccounts);
        // A stream without an audience leaves no mark every ten seconds: nothing is due, whenever it is told again.
        var due = Viewers > 0 || relays.Any(relay => RelayPay.Of(relay.VerifiedBytes, WindowMs) > 0);
        var parts = due ? Math.Max(1, (relays.Count + PartRelays - 1) / PartRelays) : 1;
        return new Prepared(RelaySettlement.Count(relays, WindowMs, ConsumedBytes, rules), rules, Content(relays, parts), due, parts);
    }

    /// <summary>
    /// Settles a part of the relays, the first also what concerns the window as a whole. Each part has an id of its own and
    /// is booked once; the work that counts was cut for all parts together, and an account stands in one of them, so that
    /// what was paid before a crash changes nothing of what is left.
    /// </summary>
    private PostingStatus Decide(LedgerState state, Prepared window, int part)
    {
        var batchId = part == 0 ? DerivedId.Of("relay", StreamId, WindowText) : DerivedId.Of("relay", StreamId, WindowText, Text(part));
        if (state.Replay(batchId, TransferCode.Relay, window.Content, amount: null) is { } replay)
            return replay.Status;
        if (!window.IsDue)
            return PostingStatus.Posted;

        var relays = window.Counted.Work;
        var (from, to) = window.Range(part);
        var settlement = RelaySettlement.Of(window.Counted, from, to, WindowMs, window.Rules, state.Standing);
        var stream = state.Stream(StreamId) ?? StreamFacts.Record(state, StreamId, BroadcasterAccountId, startedAtMs: 0);
        Open(state, relays, from, to);
        var status = Pay(state, batchId, window.Content, settlement.Pay);
        if (status != PostingStatus.Posted)
            return status;
        if (part == 0)
            Spend(state, stream, window, settlement.Paid);
        if (window.Parts > 1)
            PassOn(state, stream, window, part, settlement.Paid);
        foreach (var released in settlement.Released)
            Pay(state, DerivedId.Of("probation", released.AccountId, StreamId, WindowText), window.Content, [released]);
        foreach (var (account, standing) in settlement.Standings)
            state.Save(state.Wallet(account, ""), standing);
        state.Refused(StreamId, Window, part == 0 ? [.. window.Counted.Refused, .. settlement.Refused] : settlement.Refused, window.Parts);
        return status;
    }

    private static void Open(LedgerState state, IReadOnlyList<RelayWork> relays, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            if (relays[i].VerifiedBytes > 0)
                state.Wallet(relays[i].AccountId, "");
        }
    }

    /// <summary>
    /// What the stream's sponsors owe, in the turn that marks the window as settled. The relays of a window in parts get
    /// theirs with their part: until then it lies in an account of its own, where no end of a sponsorship can reach it.
    /// </summary>
    private void Spend(LedgerState state, StreamRecord stream, Prepared window, IReadOnlyList<RelayWork> paid)
    {
        var sponsorships = state.ActiveSponsorships(StreamId);
        if (sponsorships.Count == 0 || Viewers == 0)
            return;
        if (window.Parts == 1)
        {
            foreach (var sponsorship in sponsorships)
                Spend(state, sponsorship, paid.Count > 0, (due, _) => SponsorshipSpend.Divide(due, state.Options.BroadcasterShareBps, stream.Squad, paid));
            return;
        }

        var weights = new long[window.Parts];
        for (var part = 0; part < weights.Length; part++)
        {
            var (from, to) = window.Range(part);
            weights[part] = RelaySettlement.PaidBytes(window.Counted, from, to, window.Rules, state.Standing);
        }

        var shares = Enumerable.Range(0, weights.Length).Select(_ => new List<Leg>()).ToArray();
        foreach (var sponsorship in sponsorships)
        {
            var toRelays = Spend(state, sponsorship, weights.Any(weight => weight > 0), (due, relays) => Squad.Divide(due - relays, stream.Squad));
            if (toRelays == 0)
                continue;
            foreach (var (part, share) in Split.ByWeights(toRelays, weights).Index())
            {
                if (share > 0)
                    shares[part].Add(new Leg(sponsorship.EscrowAccountId, state.RelayShares().Id, share));
            }
        }

        foreach (var (part, legs) in shares.Index())
        {
            if (legs.Count > 0)
                state.Post(new TransferBatch(SharesId(part), window.Content, TransferCode.Sponsorship, Actor, StreamId, Window, legs));
        }
    }

    /// <summary>Divides what lies ready for a part over its relays, all sponsorships together; the journal says how much it is.</summary>
    private void PassOn(LedgerState state, StreamRecord stream, Prepared window, int part, IReadOnlyList<RelayWork> paid)
    {
        if (state.Replay(SharesId(part), TransferCode.Sponsorship, window.Content, amount: null)?.Batch is not { } ready)
            return;
        // Should no relay be left that is paid, as if there had been none.
        var payments = SponsorshipSpend.Divide(ready.Total, broadcasterShareBps: 0, stream.Squad, paid);
        state.Post(new TransferBatch(
            DerivedId.Of("passed-on", StreamId, WindowText, Text(part)),
            window.Content,
            TransferCode.Sponsorship,
            Actor,
            StreamId,
            Window,
            [.. payments.Select(payment => new Leg(AccountIds.RelayShares, payment.AccountId, payment.Amount))]));
    }

    private Guid SharesId(int part) => DerivedId.Of("relay-shares", StreamId, WindowText, Text(part));

    private PostingStatus Pay(LedgerState state, Guid batchId, Guid content, IReadOnlyList<Payment> payments)
    {
        var legs = new Leg[payments.Count];
        for (var i = 0; i < legs.Length; i++)
            legs[i] = new Leg(AccountIds.RelayIssuance, payments[i].AccountId, payments[i].Amount);
        return state.Post(new TransferBatch(batchId, content, TransferCode.Relay, Actor, StreamId, Window, legs)).Status;
    }

    /// <summary>Spends what one sponsorship owes for the window.</summary>
    /// <param name="divide">Who gets how much of what is due now, given what is due and the relays' part of it.</param>
    /// <returns>The relays' part.</returns>
    private long Spend(LedgerState state, Sponsorship sponsorship, bool anyRelays, Func<long, long, IReadOnlyList<Payment>> divide)
    {
        var viewed = new Delivery((long)Viewers * WindowMs, Spent: 0, ToRelays: 0);
        var due = SponsorshipSpend.Due(sponsorship.Rate, Viewers, WindowMs, sponsorship.Allowed(state.NowMs));
        if (due == 0)
        {
            state.Save(sponsorship.Deliver(viewed, state.NowMs));
            return 0;
        }

        var toRelays = SponsorshipSpend.Halves(due, state.Options.BroadcasterShareBps, anyRelays)[1];
        var posting = state.Post(new TransferBatch(
            DerivedId.Of("sponsorship", sponsorship.Id.ToString(), StreamId, WindowText),
            DerivedId.Of("spend", Text(due)),
            TransferCode.Sponsorship,
            Actor,
            sponsorship.Id.ToString(),
            Window,
            [.. divide(due, toRelays).Select(payment => new Leg(sponsorship.EscrowAccountId, payment.AccountId, payment.Amount))]));
        if (posting.Status != PostingStatus.Posted)
            return 0;
        state.Save(sponsorship.Deliver(viewed with { Spent = due, ToRelays = toRelays }, state.NowMs));
        return toRelays;
    }

    // What a sender of before did not tell is no part of it: the same window told again by a newer one is another matter. So
    // is how it is cut: a window that was booked whole, or in other parts, is not booked again in these.
    private Guid Content(IReadOnlyList<RelayWork> relays, int parts) => DerivedId.Of(
    [
        Text(WindowMs),
        Text(Viewers),
        .. relays.SelectMany(relay => new[] { relay.AccountId, Text(relay.VerifiedBytes) }),
        .. ConsumedBytes is { } consumed ? [Text(consumed)] : Array.Empty<string>(),
        .. parts > 1 ? ["parts of", Text(PartRelays)] : Array.Empty<string>(),
    ]);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record Prepared(CountedWork Counted, RelayPayRules Rules, Guid Content, bool IsDue, int Parts)
    {
        /// <summary>From the first relay of a part to before the first of the next.</summary>
        public (int From, int To) Range(int part) => (part * PartRelays, Math.Min((part + 1) * PartRelays, Counted.Work.Count));
    }
}
