namespace Beacon.Ledger.Books;

/// <summary>One account. Only the <see cref="Book"/> changes what it has, by posting transfers; where its history ends is noted when they are written.</summary>
/// <param name="number">Short key in the journal; never reused.</param>
/// <param name="mayGoNegative">Set for the named system accounts alone; every other balance stays at zero or above.</param>
public sealed class Account(int number, string id, AccountKind kind, bool mayGoNegative, string displayName, long openedAtMs)
{
    public int Number { get; } = number;

    public string Id { get; } = id;

    public AccountKind Kind { get; } = kind;

    public bool MayGoNegative { get; } = mayGoNegative;

    public string DisplayName { get; internal set; } = displayName;

    /// <summary>Unix milliseconds.</summary>
    public long OpenedAtMs { get; } = openedAtMs;

    /// <summary>Micro-credits.</summary>
    public long Balance { get; internal set; }

    /// <summary>Micro-credits of the balance that pending transfers will take; nobody else may spend them.</summary>
    public long Held { get; internal set; }

    /// <summary>Micro-credits that can be spent now.</summary>
    public long Available => Balance - Held;

    /// <summary>While set nothing leaves the account; what others owe it still arrives.</summary>
    public bool IsFrozen { get; internal set; }

    /// <summary>Sum of all relay pay ever, micro-credits.</summary>
    public long RelayEarnings { get; internal set; }

    /// <summary>The sequence of the last transfer on either side that the journal has; 0 = none.</summary>
    public long LastTransfer { get; private set; }

    /// <summary>How many transfers the journal has of it.</summary>
    public long Transfers { get; private set; }

    /// <summary>An account as a journal holds it.</summary>
    public static Account Restore(
        int number, string id, AccountKind kind, bool mayGoNegative, string displayName, long openedAtMs, long balance, long relayEarnings, long lastTransfer = 0, long transfers = 0) =>
        new(number, id, kind, mayGoNegative, displayName, openedAtMs) { Balance = balance, RelayEarnings = relayEarnings, LastTransfer = lastTransfer, Transfers = transfers };

    /// <summary>Notes that the journal has one more of its transfers.</summary>
    /// <returns>The one before it; 0 = it is the first.</returns>
    internal long Append(long transfer)
    {
        var before = LastTransfer;
        (LastTransfer, Transfers) = (transfer, Transfers + 1);
        return before;
    }
}
