namespace Beacon.Ledger.Books;

/// <summary>
/// Double entry in memory: every balance, what is held of it, and which batches were posted. Decides a batch of linked legs
/// and applies it whole or not at all. The sum over all accounts is zero, always. Not safe for concurrent use: one writer
/// owns it. Time is an argument.
/// </summary>
public sealed class Book
{
    private readonly Dictionary<string, Account> _accounts;
    private readonly RecentBatches _recent;
    private readonly Func<Guid, PostedBatch?> _findOlder;
    private readonly Pendings _pendings;
    private int _lastAccount;
    private long _lastBatch;
    private long _lastTransfer;
    private Guid? _lastNew;

    /// <param name="lastBatch">The highest batch sequence of the journal.</param>
    /// <param name="lastTransfer">The highest transfer sequence of the journal.</param>
    /// <param name="recentTransfersKept">How many transfers' batches are remembered here.</param>
    /// <param name="findOlder">Finds a batch that is not remembered here; asked for every id that is new to memory.</param>
    /// <param name="pending">The transfers that are pending.</param>
    /// <param name="findResolved">Finds a transfer that was pending once.</param>
    public Book(
        IEnumerable<Account> accounts,
        long lastBatch,
        long lastTransfer,
        int recentTransfersKept,
        Func<Guid, PostedBatch?> findOlder,
        Func<Func<string, Account>, IEnumerable<PendingTransfer>>? pending = null,
        Func<Guid, PendingTransfer?>? findResolved = null)
    {
        _accounts = accounts.ToDictionary(account => account.Id, StringComparer.Ordinal);
        _lastAccount = _accounts.Values.Select(account => account.Number).DefaultIfEmpty().Max();
        _lastBatch = lastBatch;
        _lastTransfer = lastTransfer;
        _recent = new RecentBatches(recentTransfersKept);
        _findOlder = findOlder;
        _pendings = new Pendings(pending?.Invoke(id => _accounts[id]) ?? [], findResolved ?? (_ => null));
    }

    public IReadOnlyCollection<Account> Accounts => _accounts.Values;

    /// <summary>The account of this id, or null when it is not open.</summary>
    public Account? Find(string accountId) => _accounts.GetValueOrDefault(accountId);

    /// <summary>A transfer in two steps, whatever became of it, or null when there was none of this id.</summary>
    public PendingTransfer? FindPending(Guid id) => _pendings.Find(id);

    /// <summary>Transfers that hold credits of this account now.</summary>
    public int CountPending(Account account) => _pendings.Count(account);

    /// <summary>Opens an account that is not open yet.</summary>
    public Account Open(string accountId, AccountKind kind, bool mayGoNegative, string displayName, long nowMs)
    {
        var account = new Account(_lastAccount + 1, accountId, kind, mayGoNegative, displayName, nowMs);
        _accounts.Add(accountId, account);
        _lastAccount++;
        return account;
    }

    public static void Rename(Account account, string displayName)
    {
        ArgumentNullException.ThrowIfNull(account);
        account.DisplayName = displayName;
    }

    /// <summary>Lets nothing leave the account any more, or again.</summary>
    public static void Freeze(Account account, bool frozen)
    {
        ArgumentNullException.ThrowIfNull(account);
        account.IsFrozen = frozen;
    }

    /// <summary>What a former request of this id got, or null when there was none.</summary>
    /// <param name="amount">What the request asked to move; null when that is not one number.</param>
    public Posting? Replay(Guid batchId, TransferCode code, Guid content, long? amount)
    {
        // A decision asks before it looks at anything else, and posting asks again: one search of the journal is enough.
        if (batchId == _lastNew)
            return null;
        var first = _recent.Find(batchId) ?? _findOlder(batchId);
        if (first is null)
        {
            _lastNew = batchId;
            return null;
        }

        if (first.Content == content)
            return new Posting(PostingStatus.Exists, first);
        if (first.Code != code)
            return new Posting(PostingStatus.ExistsWithDifferentCode, null);
        // A hold moved nothing itself: what it asked for stands with the pending transfer.
        var firstAmount = first.Transfers.Count > 0 ? first.Total : FindPending(batchId)?.Amount;
        return amount is not null && firstAmount is not null && amount != firstAmount
            ? new Posting(PostingStatus.ExistsWithDifferentAmount, null)
            : new Posting(PostingStatus.ExistsWithDifferentContent, null);
    }

    /// <summary>Books the batch, or says why not and changes nothing.</summary>
    public Posting Post(TransferBatch batch, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Check(batch) is { } refused ? refused : Append(batch, nowMs);
    }

    /// <summary>
    /// Holds the amount of the batch's one leg until it is posted, voided, or its time is over. The journal gets a batch
    /// without legs: nothing has moved yet.
    /// </summary>
    /// <param name="expiresAtMs">Unix milliseconds.</param>
    public Posting Hold(TransferBatch batch, long expiresAtMs, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfNotEqual(batch.Legs.Count, 1, nameof(batch));
        if (Malformed(batch.Legs) is { } malformed)
            return new Posting(malformed, null);
        if (expiresAtMs <= nowMs)
            return new Posting(PostingStatus.InvalidExpiry, null);
        if (Check(batch) is { } refused)
            return refused;
        var leg = batch.Legs[0];
        var (debit, credit) = (_accounts[leg.DebitAccountId], _accounts[leg.CreditAccountId]);
        if (Hinder(debit, credit, leg.Amount) is { } hindrance)
            return new Posting(hindrance, null);
        var noted = Append(batch with { Legs = [] }, nowMs);
        var pending = new PendingTransfer(noted.Batch!.Sequence, batch.Id, debit, credit, leg.Amount, nowMs, expiresAtMs, PendingState.Pending);
        _pendings.Add(pending);
        return noted with { Pending = pending };
    }

    /// <summary>Moves the amount of a pending transfer. Only the batch's legs are not used: they are the pending one's.</summary>
    public Posting PostPending(TransferBatch batch, Guid pendingId, long nowMs) => Resolve(batch, pendingId, PendingState.Posted, nowMs);

    /// <summary>Gives a pending transfer up; the journal gets a batch without legs.</summary>
    public Posting VoidPending(TransferBatch batch, Guid pendingId, long nowMs) => Resolve(batch, pendingId, PendingState.Voided, nowMs);

    /// <summary>Releases what pending transfers held beyond their time.</summary>
    /// <returns>Those that expired now.</returns>
    public IReadOnlyList<PendingTransfer> Expire(long nowMs) => _pendings.Expire(nowMs);

    /// <summary>The sum over all accounts. Anything but zero is a defect of the ledger.</summary>
    public Int128 Sum()
    {
        var sum = Int128.Zero;
        foreach (var account in _accounts.Values)
            sum += account.Balance;
        return sum;
    }

    /// <summary>What refuses a batch before any of its legs is tried.</summary>
    private Posting? Check(TransferBatch batch)
    {
        if (Malformed(batch.Legs) is { } malformed)
            return new Posting(malformed, null);
        if (Replay(batch.Id, batch.Code, batch.Content, Total(batch.Legs)) is { } replay)
            return replay;
        foreach (var leg in batch.Legs)
        {
            if (!_accounts.ContainsKey(leg.DebitAccountId) || !_accounts.ContainsKey(leg.CreditAccountId))
                return new Posting(PostingStatus.UnknownAccount, null);
        }

        return null;
    }

    private Posting Resolve(TransferBatch batch, Guid pendingId, PendingState state, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (Replay(batch.Id, batch.Code, batch.Content, amount: null) is { } replay)
            return replay;
        if (FindPending(pendingId) is not { } pending)
            return new Posting(PostingStatus.UnknownPending, null);
        if (Closed(pending, nowMs) is { } closed)
            return new Posting(closed, null);

        // The hold gives way to the transfer that it was kept for, and to no other: nothing comes between.
        pending.Debit.Held -= pending.Amount;
        var legs = state == PendingState.Posted ? [new Leg(pending.Debit.Id, pending.Credit.Id, pending.Amount)] : Array.Empty<Leg>();
        var posting = Append(batch with { Legs = legs }, nowMs);
        if (!posting.IsBooked)
        {
            pending.Debit.Held += pending.Amount;
            return posting;
        }

        _pendings.Forget(pendingId);
        return posting with { Pending = pending with { State = state, ResolvedAtMs = nowMs, ResolvedBy = batch.Id } };
    }

    private static PostingStatus? Closed(PendingTransfer pending, long nowMs) => pending.State switch
    {
        PendingState.Posted => PostingStatus.PendingAlreadyPosted,
        PendingState.Voided => PostingStatus.PendingAlreadyVoided,
        PendingState.Expired => PostingStatus.PendingExpired,
        _ => pending.ExpiresAtMs <= nowMs ? PostingStatus.PendingExpired : null,
    };

    private static PostingStatus? Malformed(IReadOnlyList<Leg> legs)
    {
        var sameAccount = false;
        foreach (var leg in legs)
        {
            if (!Amounts.IsAmount(leg.Amount))
                return PostingStatus.InvalidAmount;
            sameAccount |= leg.DebitAccountId == leg.CreditAccountId;
        }

        return sameAccount ? PostingStatus.SameAccount : null;
    }

    private static long Total(IReadOnlyList<Leg> legs)
    {
        var total = 0L;
        foreach (var leg in legs)
            total += leg.Amount;
        return total;
    }

    /// <summary>Applies the legs one after the other, and all of them or none.</summary>
    private Posting Append(TransferBatch batch, long nowMs)
    {
        var transfers = batch.Legs.Count == 0 ? [] : new Transfer[batch.Legs.Count];
        for (var i = 0; i < transfers.Length; i++)
        {
            var status = Apply(batch, i, out transfers[i]);
            if (status == PostingStatus.Posted)
                continue;
            while (--i >= 0)
                Undo(transfers[i], batch.Code);
            return new Posting(status, null);
        }

        _lastTransfer += transfers.Length;
        var posted = new PostedBatch(++_lastBatch, batch.Id, batch.Content, nowMs, transfers, batch.Code, batch.Window);
        _recent.Add(posted);
        _lastNew = null;
        return new Posting(PostingStatus.Posted, posted);
    }

    /// <summary>What keeps credits from moving between the two.</summary>
    private static PostingStatus? Hinder(Account debit, Account credit, long amount)
    {
        if (debit.IsFrozen)
            return PostingStatus.AccountFrozen;
        if (!debit.MayGoNegative && debit.Available < amount)
            return PostingStatus.InsufficientCredits;
        return debit.Balance < long.MinValue + amount || credit.Balance > long.MaxValue - amount ? PostingStatus.BalanceOverflow : null;
    }

    private PostingStatus Apply(TransferBatch batch, int index, out Transfer transfer)
    {
        var leg = batch.Legs[index];
        var debit = _accounts[leg.DebitAccountId];
        var credit = _accounts[leg.CreditAccountId];
        transfer = null!;
        if (Hinder(debit, credit, leg.Amount) is { } hindrance)
            return hindrance;

        debit.Balance -= leg.Amount;
        credit.Balance += leg.Amount;
        if (batch.Code == TransferCode.Relay)
            credit.RelayEarnings += leg.Amount;
        transfer = new Transfer(
            _lastTransfer + 1 + index,
            batch.Legs.Count == 1 ? batch.Id : DerivedId.Leg(batch.Id, index),
            debit,
            credit,
            leg.Amount,
            debit.Balance,
            credit.Balance);
        return PostingStatus.Posted;
    }

    private static void Undo(Transfer transfer, TransferCode code)
    {
        transfer.Debit.Balance += transfer.Amount;
        transfer.Credit.Balance -= transfer.Amount;
        if (code == TransferCode.Relay)
            transfer.Credit.RelayEarnings -= transfer.Amount;
    }
}
