using Beacon.Ledger.Books;

namespace Beacon.Benchmarks.Model;

/// <summary>What the book should do, too simple to be wrong: dictionaries of numbers, copied before each change.</summary>
internal sealed class BookModel
{
    private readonly Dictionary<Guid, First> _requests = [];
    private readonly Dictionary<Guid, Hold> _holds = [];

    private sealed record First(TransferCode Code, Guid Content, long? Amount);

    private sealed record Hold(string Debit, string Credit, long Amount, long ExpiresAtMs, PendingState State);

    /// <summary>Balances by account; the account of this name may go below zero.</summary>
    public const string Mint = "a0";

    public Dictionary<string, long> Balances { get; private set; } = [];

    public HashSet<string> Frozen { get; } = [];

    public long HeldOf(string account) => _holds.Values.Where(hold => hold.State == PendingState.Pending && hold.Debit == account).Sum(hold => hold.Amount);

    public void Forget(Guid id) => _requests.Remove(id);

    public void ForgetHold(Guid id) => _holds.Remove(id);

    public List<Guid> Expire(long nowMs)
    {
        var expired = _holds.Where(hold => hold.Value.State == PendingState.Pending && hold.Value.ExpiresAtMs <= nowMs).Select(hold => hold.Key).ToList();
        foreach (var id in expired)
            _holds[id] = _holds[id] with { State = PendingState.Expired };
        return expired;
    }

    public PostingStatus Apply(BookRequest request, long nowMs)
    {
        var batch = request.Batch;
        var takesLegs = request.Act is Act.Post or Act.Hold;
        if (takesLegs && batch.Legs.Any(leg => leg.Amount is < 1 or > 1_000_000_000_000))
            return PostingStatus.InvalidAmount;
        if (takesLegs && batch.Legs.Any(leg => leg.DebitAccountId == leg.CreditAccountId))
            return PostingStatus.SameAccount;
        if (request.Act == Act.Hold && request.HoldMs <= 0)
            return PostingStatus.InvalidExpiry;
        if (_requests.TryGetValue(batch.Id, out var first))
            return Repeated(first, batch, takesLegs ? batch.Legs.Sum(leg => leg.Amount) : null);
        return takesLegs ? New(request, nowMs) : Resolve(request, nowMs);
    }

    private static PostingStatus Repeated(First first, TransferBatch batch, long? amount)
    {
        if (first.Content == batch.Content)
            return PostingStatus.Exists;
        if (first.Code != batch.Code)
            return PostingStatus.ExistsWithDifferentCode;
        return amount is not null && first.Amount is not null && amount != first.Amount ? PostingStatus.ExistsWithDifferentAmount : PostingStatus.ExistsWithDifferentContent;
    }

    private PostingStatus New(BookRequest request, long nowMs)
    {
        var batch = request.Batch;
        if (batch.Legs.Any(leg => !Balances.ContainsKey(leg.DebitAccountId) || !Balances.ContainsKey(leg.CreditAccountId)))
            return PostingStatus.UnknownAccount;
        var after = new Dictionary<string, long>(Balances);
        foreach (var leg in batch.Legs)
        {
            if (Move(after, leg, HeldOf(leg.DebitAccountId)) is { } refused)
                return refused;
        }

        var amount = batch.Legs.Sum(leg => leg.Amount);
        _requests[batch.Id] = new First(batch.Code, batch.Content, batch.Legs.Count == 0 ? null : amount);
        if (request.Act == Act.Post)
            Balances = after;
        else
            _holds[batch.Id] = new Hold(batch.Legs[0].DebitAccountId, batch.Legs[0].CreditAccountId, amount, nowMs + request.HoldMs, PendingState.Pending);
        return PostingStatus.Posted;
    }

    private PostingStatus Resolve(BookRequest request, long nowMs)
    {
        if (!_holds.TryGetValue(request.PendingId, out var hold))
            return PostingStatus.UnknownPending;
        if (hold.State == PendingState.Posted)
            return PostingStatus.PendingAlreadyPosted;
        if (hold.State == PendingState.Voided)
            return PostingStatus.PendingAlreadyVoided;
        if (hold.State == PendingState.Expired || hold.ExpiresAtMs <= nowMs)
            return PostingStatus.PendingExpired;
        if (request.Act == Act.PostPending)
        {
            var after = new Dictionary<string, long>(Balances);
            if (Move(after, new Leg(hold.Debit, hold.Credit, hold.Amount), HeldOf(hold.Debit) - hold.Amount) is { } refused)
                return refused;
            Balances = after;
        }

        _holds[request.PendingId] = hold with { State = request.Act == Act.PostPending ? PendingState.Posted : PendingState.Voided };
        _requests[request.Batch.Id] = new First(request.Batch.Code, request.Batch.Content, request.Act == Act.PostPending ? hold.Amount : null);
        return PostingStatus.Posted;
    }

    private PostingStatus? Move(Dictionary<string, long> balances, Leg leg, long held)
    {
        if (Frozen.Contains(leg.DebitAccountId))
            return PostingStatus.AccountFrozen;
        balances[leg.DebitAccountId] -= leg.Amount;
        balances[leg.CreditAccountId] += leg.Amount;
        return leg.DebitAccountId != Mint && balances[leg.DebitAccountId] < held ? PostingStatus.InsufficientCredits : null;
    }
}
