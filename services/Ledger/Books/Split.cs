namespace Beacon.Ledger.Books;

/// <summary>Divides an amount exactly, to the micro-credit.</summary>
public static class Split
{
    /// <summary>Whole, in basis points.</summary>
    public const int WholeBps = 10_000;

    /// <summary>
    /// Largest remainder (Hamilton): each gets the floor of its proportion, and the micro-credits that are left go one each
    /// to the largest remainders; of equal remainders to the one that stands first. The parts add up to the amount.
    /// </summary>
    /// <param name="amount">0 or more.</param>
    /// <param name="weights">0 or more each, at least one above 0.</param>
    public static long[] ByWeights(long amount, IReadOnlyList<long> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        var total = Int128.Zero;
        foreach (var weight in weights)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(weight, nameof(weights));
            total += weight;
        }

        ArgumentOutOfRangeException.ThrowIfZero(total, nameof(weights));
        var parts = new long[weights.Count];
        var remainders = new Int128[weights.Count];
        var left = amount;
        for (var i = 0; i < parts.Length; i++)
        {
            var (quotient, remainder) = Int128.DivRem((Int128)amount * weights[i], total);
            parts[i] = (long)quotient;
            remainders[i] = remainder;
            left -= parts[i];
        }

        if (left == 0)
            return parts;
        // OrderByDescending is stable: equal remainders keep the order given.
        foreach (var i in Enumerable.Range(0, parts.Length).OrderByDescending(i => remainders[i]).Take((int)left))
            parts[i]++;
        return parts;
    }
}
