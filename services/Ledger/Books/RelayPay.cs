using System.Runtime.InteropServices;

namespace Beacon.Ledger.Books;

/// <summary>An account's work in one window of a stream.</summary>
/// <param name="VerifiedBytes">What its children's receipts prove.</param>
/// <param name="ReceiptAccounts">Accounts, unrelated to it, whose receipts these are; null from a sender that does not count them.</param>
/// <param name="Excluded">Bytes that were forwarded and earn nothing, and why.</param>
public sealed record RelayWork(string AccountId, long VerifiedBytes, int? ReceiptAccounts = null, IReadOnlyList<ExcludedWork>? Excluded = null);

/// <summary>Work that earns nothing.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ExcludedWork(RefusalReason Reason, long Bytes);

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

    /// <summary>The bytes that a rate moves in a window.</summary>
    public static Int128 Bytes(long mbps, int windowMs) => (Int128)mbps * windowMs * 125;

    /// <summary>One entry an account, in order of account ids: the order decides ties, and must not depend on the sender.</summary>
    public static IReadOnlyList<RelayWork> Merge(IEnumerable<RelayWork> work) =>
    [
        .. work.GroupBy(entry => entry.AccountId, StringComparer.Ordinal)
            .Select(group => group.Count() == 1 ? group.First() : new RelayWork(
                group.Key,
                group.Sum(entry => entry.VerifiedBytes),
                group.Any(entry => entry.ReceiptAccounts is null) ? null : group.Max(entry => entry.ReceiptAccounts),
                group.All(entry => entry.Excluded is null) ? null : [.. group.SelectMany(entry => entry.Excluded ?? [])]))
            .OrderBy(entry => entry.AccountId, StringComparer.Ordinal),
    ];
}
