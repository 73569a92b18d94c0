namespace Beacon.Ledger.Books;

/// <summary>
/// Names of accounts. A wallet bears the account id of an access token, which is opaque text; what the ledger owns stands
/// under a prefix that no wallet may have, so that nobody signs in as the treasury.
/// </summary>
public static class AccountIds
{
    public const string Reserved = "ledger:";
    public const string Treasury = Reserved + "treasury";
    public const string RelayIssuance = Reserved + "relay-issuance";

    /// <summary>Sponsor money of relays whose part of a large window has its turn in a moment.</summary>
    public const string RelayShares = Reserved + "relay-shares";
    public const int MaxLength = 200;
    public const int MaxDisplayNameLength = 100;

    public static string Escrow(Guid sponsorshipId) => $"{Reserved}escrow:{sponsorshipId}";

    /// <summary>1 to 200 characters, none of them a control character, not reserved.</summary>
    public static bool IsWallet(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return id.Length is > 0 and <= MaxLength && !id.Any(char.IsControl) && !id.StartsWith(Reserved, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>At most 100 characters, none of them a control character; empty is allowed.</summary>
    public static bool IsDisplayName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length <= MaxDisplayNameLength && !name.Any(char.IsControl);
    }

    /// <summary>What of a token's name the ledger keeps: an authority may allow longer ones than we show.</summary>
    public static string ClipDisplayName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var clean = string.Concat(name.Where(character => !char.IsControl(character)));
        if (clean.Length <= MaxDisplayNameLength)
            return clean;
        // Half a surrogate pair is no character.
        var length = char.IsHighSurrogate(clean[MaxDisplayNameLength - 1]) ? MaxDisplayNameLength - 1 : MaxDisplayNameLength;
        return clean[..length];
    }
}
