namespace Beacon.Ledger.Books;

/// <summary>How a sponsor's budget is spent.</summary>
public static class SponsorshipSpend
{
    /// <summary>What one window costs: rate × viewers × windowMs / 60,000, rounded down, never more than is allowed.</summary>
    /// <param name="rate">Micro-credits per verified viewer-minute.</param>
    /// <param name="allowed">What of the budget may be spent now (<see cref="Sponsorship.Allowed"/>), micro-credits.</param>
    public static long Due(long rate, int viewers, int windowMs, long allowed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rate);
        ArgumentOutOfRangeException.ThrowIfNegative(viewers);
        ArgumentOutOfRangeException.ThrowIfNegative(windowMs);
        ArgumentOutOfRangeException.ThrowIfNegative(allowed);
        return (long)Int128.Min((Int128)rate * viewers * windowMs / 60_000, allowed);
    }

    /// <summary>
    /// Who gets it: the broadcaster's part is divided over the squad by shares, the relays' part by verified bytes; without
    /// relays the broadcaster's part is the whole. One payment an account, also when it is both; parts of zero are left out.
    /// </summary>
    /// <param name="relays">One entry an account, in a fixed order (<see cref="RelayPay.Merge"/>).</param>
    public static IReadOnlyList<Payment> Divide(
        long amount, int broadcasterShareBps, IReadOnlyList<SquadShare> squad, IReadOnlyList<RelayWork> relays)
    {
        ArgumentNullException.ThrowIfNull(relays);
        var working = relays.Where(relay => relay.VerifiedBytes > 0).ToArray();
        var halves = Halves(amount, broadcasterShareBps, working.Length > 0);
        if (halves[1] == 0)
            return Squad.Divide(amount, squad);
        var byWork = Split.ByWeights(halves[1], [.. working.Select(relay => relay.VerifiedBytes)]);
        return
        [
            .. Squad.Divide(halves[0], squad)
                .Concat(working.Select((relay, i) => new Payment(relay.AccountId, byWork[i])))
                .GroupBy(payment => payment.AccountId, StringComparer.Ordinal)
                .Select(group => new Payment(group.Key, group.Sum(payment => payment.Amount)))
                .Where(payment => payment.Amount > 0),
        ];
    }

    /// <summary>The part of the broadcaster and the squad, and the part of the relays.</summary>
    public static long[] Halves(long amount, int broadcasterShareBps, bool anyRelays) =>
        anyRelays ? Split.ByWeights(amount, [broadcasterShareBps, Split.WholeBps - broadcasterShareBps]) : [amount, 0];
}
