namespace Beacon.Ledger.Books;

/// <summary>An account's verified bytes in one window.</summary>
public sealed record RelayWork(string AccountId, long VerifiedBytes);

/// <summary>What relaying earns.</summary>
public static class RelayPay
{
    /// <summary>
    /// 0.01 credits × verified Mbps a window. Mbps = bytes × 8 / (windowMs × 1,000), 0.01 credits = 10,000 micro-credits;
    /// in integers, rounded down: bytes × 80,000 / (windowMs × 1,000). A 10 s window pays one micro-credit per 125 bytes.
    /// </summary>
    public static Int128 Of(long verifiedBytes, int windowMs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(verifiedBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(windowMs);
        return (Int128)verifiedBytes * 80_000 / ((Int128)windowMs * 1_000);
    }

    /// <summary>One entry an account, in order of account ids: the order decides ties, and must not depend on the sender.</summary>
    public static IReadOnlyList<RelayWork> Merge(IEnumerable<RelayWork> work) =>
    [
        .. work.GroupBy(entry => entry.AccountId, StringComparer.Ordinal)
            .Select(group => new RelayWork(group.Key, group.Sum(entry => entry.VerifiedBytes)))
            .OrderBy(entry => entry.AccountId, StringComparer.Ordinal),
    ];
}
