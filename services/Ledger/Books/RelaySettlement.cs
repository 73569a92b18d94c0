using System.Runtime.InteropServices;

namespace Beacon.Ledger.Books;

/// <summary>Why work, or the pay for it, was refused. The numbers are stored and equal those of the wire.</summary>
public enum RefusalReason
{
    /// <summary>Sender and receiver are the same account.</summary>
    SameAccount = 1,

    /// <summary>Sender and receiver share an address block.</summary>
    SameAddressBlock = 2,

    /// <summary>The receiver did not answer the window's challenge.</summary>
    Unanswered = 3,

    /// <summary>More than the slots of the sender can carry.</summary>
    OverSlots = 4,

    /// <summary>More than one account is paid for in one window of a stream.</summary>
    OverAccountCap = 5,

    /// <summary>More than is paid for in one window of a stream, over all its relays.</summary>
    OverStreamCap = 6,

    /// <summary>More than all viewers together verifiably received.</summary>
    OverConsumption = 7,

    /// <summary>The account is new: what it earned is kept until enough windows speak for it.</summary>
    Probation = 8,
}

/// <summary>Work that is not paid for now.</summary>
/// <param name="Bytes">Of the account, in the window.</param>
/// <param name="Microcredits">The pay that was kept; 0 where only bytes were refused.</param>
public readonly record struct RefusedWork(string AccountId, RefusalReason Reason, long Bytes, long Microcredits = 0);

/// <summary>The bounds of relay pay.</summary>
/// <param name="MaxMbpsPerAccount">Paid for in one window of a stream, for one account.</param>
/// <param name="MaxMbpsPerStream">Paid for in one window of a stream, over all accounts.</param>
/// <param name="ProbationWindows">Windows that must speak for an account before it is paid; 0 = none.</param>
/// <param name="ProbationAccounts">Unrelated accounts whose receipts make a window speak for it.</param>
public sealed record RelayPayRules(int MaxMbpsPerAccount, int MaxMbpsPerStream, int ProbationWindows, int ProbationAccounts);

/// <summary>How far an account is in its probation.</summary>
/// <param name="GoodWindows">Windows that spoke for it.</param>
/// <param name="Withheld">What it earned meanwhile, micro-credits. Not issued yet: it is no credit of anybody.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RelayStanding(int GoodWindows, long Withheld);

/// <summary>What counts of the work of a window.</summary>
/// <param name="Bytes">Of each entry of <paramref name="Work"/>, within all caps.</param>
/// <param name="Refused">What does not count, and why.</param>
public sealed record CountedWork(IReadOnlyList<RelayWork> Work, IReadOnlyList<long> Bytes, IReadOnlyList<RefusedWork> Refused);

/// <summary>What a window comes to.</summary>
/// <param name="Pay">One payment an account, of 1 micro-credit or more.</param>
/// <param name="Released">Formerly withheld pay of accounts that are through with their probation.</param>
/// <param name="Paid">The work that counts: what is paid for, by accounts that are not on probation. It shares in sponsorships too.</param>
/// <param name="Standings">New standings of accounts on probation.</param>
public sealed record RelaySettlement(
    IReadOnlyList<Payment> Pay,
    IReadOnlyList<Payment> Released,
    IReadOnlyList<RelayWork> Paid,
    IReadOnlyList<RefusedWork> Refused,
    IReadOnlyList<KeyValuePair<string, RelayStanding>> Standings)
{
    /// <summary>
    /// Decides a window: what was excluded before is only noted; what is above a cap is cut, first for each account, then
    /// over the stream, where all are cut in proportion; pay of accounts on probation is kept. The same work gives the same
    /// result, in whatever order it was told.
    /// </summary>
    /// <param name="work">One entry an account, in a fixed order (<see cref="RelayPay.Merge"/>).</param>
    /// <param name="consumedBytes">What all viewers verifiably received; null from a sender that does not count it.</param>
    /// <param name="standing">Where an account stands.</param>
    public static RelaySettlement Of(
        IReadOnlyList<RelayWork> work, int windowMs, long? consumedBytes, RelayPayRules rules, Func<string, RelayStanding> standing)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(rules);
        var counted = Count(work, windowMs, consumedBytes, rules);
        var settlement = Of(counted, 0, work.Count, windowMs, rules, standing);
        return settlement with { Refused = [.. counted.Refused, .. settlement.Refused] };
    }

    /// <summary>
    /// The first half of it: what counts of each account's work, which depends on all the others and on nothing that the
    /// ledger knows. The second half looks at one account after the other, and may be done in pieces.
    /// </summary>
    public static CountedWork Count(IReadOnlyList<RelayWork> work, int windowMs, long? consumedBytes, RelayPayRules rules)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(rules);
        var refused = new List<RefusedWork>();
        foreach (var entry in work)
        {
            foreach (var excluded in entry.Excluded ?? [])
                refused.Add(new RefusedWork(entry.AccountId, excluded.Reason, excluded.Bytes));
        }

        var bytes = new long[work.Count];
        var perAccount = Clamp(RelayPay.Bytes(rules.MaxMbpsPerAccount, windowMs));
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = Cut(work[i], work[i].VerifiedBytes, perAccount, RefusalReason.OverAccountCap, refused);
        CutAll(work, bytes, Clamp(RelayPay.Bytes(rules.MaxMbpsPerStream, windowMs)), RefusalReason.OverStreamCap, refused);
        if (consumedBytes is { } consumed)
            CutAll(work, bytes, consumed, RefusalReason.OverConsumption, refused);
        return new CountedWork(work, bytes, refused);
    }

    /// <summary>The second half, for the accounts from <paramref name="first"/> to before <paramref name="end"/>; what the first refused is not told again.</summary>
    public static RelaySettlement Of(CountedWork counted, int first, int end, int windowMs, RelayPayRules rules, Func<string, RelayStanding> standing)
    {
        ArgumentNullException.ThrowIfNull(counted);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(standing);
        var (work, bytes) = (counted.Work, counted.Bytes);
        var refused = new List<RefusedWork>();
        var pay = new List<Payment>(end - first);
        var released = new List<Payment>();
        var paid = new List<RelayWork>(end - first);
        var standings = new List<KeyValuePair<string, RelayStanding>>();
        for (var i = first; i < end; i++)
        {
            if (bytes[i] == 0)
                continue;
            var account = work[i].AccountId;
            var amount = Clamp(RelayPay.Of(bytes[i], windowMs));
            var before = rules.ProbationWindows == 0 ? default : standing(account);
            if (before.GoodWindows < rules.ProbationWindows)
            {
                var good = Speaks(work[i], before.GoodWindows, rules);
                var through = good >= rules.ProbationWindows;
                var withheld = Math.Min(before.Withheld + amount, Amounts.Max);
                standings.Add(new(account, new RelayStanding(good, through ? 0 : withheld)));
                if (!through)
                    refused.Add(new RefusedWork(account, RefusalReason.Probation, bytes[i], amount));
                else if (withheld > 0)
                    released.Add(new Payment(account, withheld));
                if (!through)
                    continue;
            }
            else if (amount > 0)
            {
                pay.Add(new Payment(account, amount));
            }

            paid.Add(new RelayWork(account, bytes[i]));
        }

        return new RelaySettlement(pay, released, paid, refused, standings);
    }

    /// <summary>
    /// The bytes that would count among <see cref="Paid"/> if the accounts from <paramref name="first"/> to before
    /// <paramref name="end"/> were settled now. Only looks.
    /// </summary>
    public static long PaidBytes(CountedWork counted, int first, int end, RelayPayRules rules, Func<string, RelayStanding> standing)
    {
        ArgumentNullException.ThrowIfNull(counted);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(standing);
        var total = Int128.Zero;
        for (var i = first; i < end; i++)
        {
            if (rules.ProbationWindows == 0 || Speaks(counted.Work[i], standing(counted.Work[i].AccountId).GoodWindows, rules) >= rules.ProbationWindows)
                total += counted.Bytes[i];
        }

        return Clamp(total);
    }

    /// <summary>The windows that speak for an account, this one among them when it does. Beyond its probation nobody counts.</summary>
    private static int Speaks(RelayWork work, int before, RelayPayRules rules) =>
        // A sender that does not count the accounts has checked at least that there is one.
        before >= rules.ProbationWindows || (work.ReceiptAccounts ?? 1) < rules.ProbationAccounts ? before : before + 1;

    private static long Cut(RelayWork work, long bytes, long most, RefusalReason reason, List<RefusedWork> refused)
    {
        if (bytes <= most)
            return bytes;
        refused.Add(new RefusedWork(work.AccountId, reason, bytes - most));
        return most;
    }

    private static void CutAll(IReadOnlyList<RelayWork> work, long[] bytes, long most, RefusalReason reason, List<RefusedWork> refused)
    {
        var total = Int128.Zero;
        foreach (var part in bytes)
            total += part;
        if (total <= most)
            return;
        var parts = Split.ByWeights(most, bytes);
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = Cut(work[i], bytes[i], parts[i], reason, refused);
    }

    private static long Clamp(Int128 value) => (long)Int128.Min(value, long.MaxValue);
}
