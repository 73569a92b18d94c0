namespace Beacon.Ledger.Books;

/// <summary>
/// Double entry in memory: every balance, and which batches were posted. Decides a batch of linked legs and applies it
/// whole or not at all. The sum over all accounts is zero, always. Not safe for concurrent use: one writer owns it.
/// </summary>
public sealed class Book
{
    private readonly Dictionary<string, Account> _accounts;
    private readonly RecentBatches _recent;
    private readonly Func<Guid, PostedBatch?> _findOlder;
    private int _lastAccount;
    private long _lastBatch;
    private long _lastTransfer;
    private Guid? _lastNew;

    /// <param name="lastBatch">The highest batch sequence of the journal.</param>
    /// <param name="lastTransfer">The highest transfer sequence of the journal.</param>
    /// <param name="recentTransfersKept">How many transfers' batches are remembered here.</param>
    /// <param name="findOlder">Finds a batch that is not remembered here; asked for every id that is new to memory.</param>
    public Book(IEnumerable<Account> accounts, long lastBatch, long lastTransfer, int recentTransfersKept, Func<Guid, PostedBatch?> findOlder)
    {
        _accounts = accounts.ToDictionary(account => account.Id, StringComparer.Ordinal);
        _lastAccount = _accounts.Values.Select(account => account.Number).DefaultIfEmpty().Max();
        _lastBatch = lastBatch;
        _lastTransfer = lastTransfer;
        _recent = new RecentBatches(recentTransfersKept);
        _findOlder = findOlder;
    }

    public IReadOnlyCollection<Account> Accounts => _accounts.Values;

    /// <summary>The account of this id, or null when it is not open.</summary>
    public Account? Find(string accountId) => _accounts.GetValueOrDefault(accountId);

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

    /// <summary>What a former request of this id got, or null when there was none.</summary>
    public Posting? Replay(Guid batchId, Guid content)
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

        return first.Content == content
            ? new Posting(PostingStatus.Exists, first)
            : new Posting(PostingStatus.ExistsWithDifferentContent, null);
    }

    /// <summary>Books the batch, or says why not and changes nothing.</summary>
    public Posting Post(TransferBatch batch, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (Malformed(batch.Legs) is { } malformed)
            return new Posting(malformed, null);
        if (Replay(batch.Id, batch.Content) is { } replay)
            return replay;
        foreach (var leg in batch.Legs)
        {
            if (!_accounts.ContainsKey(leg.DebitAccountId) || !_accounts.ContainsKey(leg.CreditAccountId))
                return new Posting(PostingStatus.UnknownAccount, null);
        }

        var transfers = new Transfer[batch.Legs.Count];
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
        var posted = new PostedBatch(++_lastBatch, batch.Id, batch.Content, nowMs, transfers);
        _recent.Add(posted);
        _lastNew = null;
        return new Posting(PostingStatus.Posted, posted);
    }

    /// <summary>The sum over all accounts. Anything but zero is a defect of the ledger.</summary>
    public Int128 Sum() => _accounts.Values.Aggregate(Int128.Zero, (sum, account) => sum + account.Balance);

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

    private PostingStatus Apply(TransferBatch batch, int index, out Transfer transfer)
    {
        var leg = batch.Legs[index];
        var debit = _accounts[leg.DebitAccountId];
        var credit = _accounts[leg.CreditAccountId];
        transfer = null!;
        if (!debit.MayGoNegative && debit.Balance < leg.Amount)
            return PostingStatus.InsufficientCredits;
        if (debit.Balance < long.MinValue + leg.Amount || credit.Balance > long.MaxValue - leg.Amount)
            return PostingStatus.BalanceOverflow;

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
