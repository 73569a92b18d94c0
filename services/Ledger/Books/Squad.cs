namespace Beacon.Ledger.Books;

/// <summary>One co-streamer's part of a stream's revenue.</summary>
/// <param name="ShareBps">Basis points, 1 to 10,000.</param>
public sealed record SquadShare(string AccountId, int ShareBps);

/// <summary>An amount for an account.</summary>
public readonly record struct Payment(string AccountId, long Amount);

/// <summary>What is wrong with a squad, in order of precedence.</summary>
public enum SquadFlaw
{
    None = 0,
    TooLarge = 1,
    DuplicateMember = 2,
    SharesDoNotAddUp = 3,
}

/// <summary>The rules of co-streaming revenue.</summary>
public static class Squad
{
    public const int MaxMembers = 16;

    /// <summary>The squad of a stream until one is set.</summary>
    public static IReadOnlyList<SquadShare> Alone(string broadcasterAccountId) => [new(broadcasterAccountId, Split.WholeBps)];

    public static SquadFlaw Check(IReadOnlyList<SquadShare> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        if (members.Count > MaxMembers)
            return SquadFlaw.TooLarge;
        if (members.Select(member => member.AccountId).Distinct(StringComparer.Ordinal).Count() != members.Count)
            return SquadFlaw.DuplicateMember;
        return members.All(member => member.ShareBps > 0) && members.Sum(member => (long)member.ShareBps) == Split.WholeBps
            ? SquadFlaw.None
            : SquadFlaw.SharesDoNotAddUp;
    }

    /// <summary>
    /// Divides an amount over the squad by shares. A tipper who is a member pays the others: its own share goes to them in
    /// proportion, so that the whole amount leaves its wallet and none of it comes back. Empty when nobody else is left.
    /// Parts of zero are left out.
    /// </summary>
    public static IReadOnlyList<Payment> Divide(long amount, IReadOnlyList<SquadShare> members, string? except = null)
    {
        ArgumentNullException.ThrowIfNull(members);
        // Most streams have one member, and then there is nothing to divide.
        if (members.Count == 1)
            return members[0].AccountId == except || amount == 0 ? [] : [new Payment(members[0].AccountId, amount)];
        var paid = members.Where(member => member.AccountId != except).ToArray();
        if (paid.Length == 0)
            return [];
        var parts = Split.ByWeights(amount, [.. paid.Select(member => (long)member.ShareBps)]);
        return [.. paid.Select((member, i) => new Payment(member.AccountId, parts[i])).Where(payment => payment.Amount > 0)];
    }
}
