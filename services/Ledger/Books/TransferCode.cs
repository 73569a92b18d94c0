namespace Beacon.Ledger.Books;

/// <summary>Why credits moved. The numbers are stored and equal those of the wire.</summary>
public enum TransferCode
{
    /// <summary>Pay for verified relay work.</summary>
    Relay = 1,

    Tip = 2,

    /// <summary>From a wallet into escrow.</summary>
    SponsorshipFunding = 3,

    /// <summary>From escrow to broadcaster and relays.</summary>
    Sponsorship = 4,

    Deposit = 5,

    /// <summary>Unspent escrow back to the sponsor.</summary>
    Refund = 6,

    /// <summary>Credits that leave for good, back into the treasury.</summary>
    Withdrawal = 7,
}
