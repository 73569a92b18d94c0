namespace Beacon.Ledger.Books;

/// <summary>Ranges of money, in micro-credits. 1 credit = 1,000,000.</summary>
public static class Amounts
{
    /// <summary>The most that one transfer moves: a million credits.</summary>
    public const long Max = 1_000_000_000_000;

    /// <summary>The most that a sponsor pays per viewer-minute: a thousand credits.</summary>
    public const long MaxRate = 1_000_000_000;

    public static bool IsAmount(long microcredits) => microcredits is > 0 and <= Max;

    public static bool IsRate(long microcredits) => microcredits is > 0 and <= MaxRate;
}
