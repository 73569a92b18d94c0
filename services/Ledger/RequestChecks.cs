using Beacon.Ledger.Books;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger;

/// <summary>What every request is checked for before anything else happens.</summary>
internal static class RequestChecks
{
    private const uint MaxCampaignMinutes = 525_600;
    private const int MaxNoteLength = 200;

    public static long Amount(long microcredits) => Amounts.IsAmount(microcredits) ? microcredits : throw LedgerErrors.InvalidAmount.Exception();

    public static long Rate(long microcredits) => Amounts.IsRate(microcredits) ? microcredits : throw LedgerErrors.InvalidAmount.Exception();

    /// <summary>A UUID of 36 characters that the ledger could not have derived itself.</summary>
    public static Guid TransferId(string text) =>
        Guid.TryParseExact(text, "D", out var id) && id != Guid.Empty && !DerivedId.IsDerived(id)
            ? id
            : throw LedgerErrors.InvalidTransferId.Exception();

    /// <summary>A moment is given in one way, or not at all.</summary>
    public static Moment Moment(long unixMs, long transfer) =>
        unixMs >= 0 && transfer >= 0 && (unixMs == 0 || transfer == 0) ? new Moment(unixMs, transfer) : throw LedgerErrors.InvalidMoment.Exception();

    public static Pace Pace(long maxPerHour, uint campaignMinutes) =>
        maxPerHour is >= 0 and <= Amounts.Max && campaignMinutes <= MaxCampaignMinutes
            ? new Pace(maxPerHour, campaignMinutes * 60_000L)
            : throw LedgerErrors.InvalidPace.Exception();

    public static string Note(string note) =>
        note.Length <= MaxNoteLength && !note.Any(char.IsControl) ? note : throw LedgerErrors.InvalidNote.Exception();

    public static Caller Operator(Caller caller) => caller.Has(Scopes.Operator) ? caller : throw LedgerErrors.OperatorOnly.Exception();

    public static string AccountId(string accountId) => AccountIds.IsWallet(accountId) ? accountId : throw LedgerErrors.InvalidAccountId.Exception();

    public static string DisplayName(string name) => AccountIds.IsDisplayName(name) ? name : throw LedgerErrors.InvalidDisplayName.Exception();

    /// <summary>The caller as the ledger takes it: a token's subject becomes the id of a wallet.</summary>
    public static Caller Wallet(Caller caller) =>
        AccountIds.IsWallet(caller.AccountId)
            ? caller with { Name = AccountIds.ClipDisplayName(caller.Name) }
            : throw LedgerErrors.InvalidAccountId.Exception();

    public static IReadOnlyList<SquadShare> Squad(IEnumerable<(string AccountId, uint ShareBps)> members)
    {
        // A share above 10,000 is wrong whatever the others are; cut before it could overflow an int.
        SquadShare[] shares = [.. members.Select(member => new SquadShare(member.AccountId, (int)Math.Min(member.ShareBps, Split.WholeBps + 1u)))];
        return Books.Squad.Check(shares) switch
        {
            SquadFlaw.TooLarge => throw LedgerErrors.SquadTooLarge.Exception(),
            SquadFlaw.DuplicateMember => throw LedgerErrors.DuplicateMember.Exception(),
            SquadFlaw.SharesDoNotAddUp => throw LedgerErrors.SharesMustAddUp.Exception(),
            _ => shares,
        };
    }
}
