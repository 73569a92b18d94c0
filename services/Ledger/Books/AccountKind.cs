namespace Beacon.Ledger.Books;

/// <summary>What an account is for. The numbers are stored; they never change.</summary>
public enum AccountKind
{
    /// <summary>The credits of a person: viewer, broadcaster, sponsor.</summary>
    Wallet = 1,

    /// <summary>The unspent budget of one sponsorship, or spent money on its way to relays.</summary>
    Escrow = 2,

    /// <summary>The other side of deposits: minus its balance is what operators brought in.</summary>
    Treasury = 3,

    /// <summary>The other side of relay pay: minus its balance is what was ever paid for relaying.</summary>
    RelayIssuance = 4,
}
