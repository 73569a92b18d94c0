using Beacon.Ledger.Books;

namespace Beacon.Benchmarks.Model;

/// <summary>
/// Plays steps on the book and on the model, and compares after each: the answer, every balance, what is held, the floors and
/// the sum. What the book forgets it finds in a journal, as in production; ids that are older than the journal of the run
/// remembers are not asked again.
/// </summary>
internal sealed class BookRun
{
    private const int Accounts = 8;
    private const int Remembered = 200;
    private const int RecentKept = 40;

    private readonly BookModel _model = new();
    private readonly Dictionary<Guid, PostedBatch> _journal = [];
    private readonly Dictionary<Guid, PendingTransfer> _pending = [];
    private readonly Queue<BookRequest> _sent = new();
    private readonly List<Guid> _holds = [];
    private Book _book;
    private ulong _random;
    private long _nowMs = 1_000_000;
    private long _ids;
    private long _lastBatch;
    private long _lastTransfer;

    public BookRun()
    {
        _book = NewBook([]);
        for (var i = 0; i < Accounts; i++)
        {
            _book.Open($"a{i}", i == 0 ? AccountKind.Treasury : AccountKind.Wallet, mayGoNegative: i == 0, "", 0);
            _model.Balances[$"a{i}"] = 0;
        }
    }

    /// <summary>How often each answer was given.</summary>
    public Dictionary<PostingStatus, long> Answers { get; } = [];

    public Int128 Sum => _book.Sum();

    /// <summary>Plays a step; null when book and model agree, else what they differ in.</summary>
    public string? Play(Step step)
    {
        _random = ((ulong)step.Who << 32) ^ ((ulong)step.Amount << 8) ^ (ulong)step.Kind ^ (ulong)(++_ids * 0x9E37_79B9);
        return step.Kind switch
        {
            < 94 => Ask(Request(step)),
            < 96 => Freeze($"a{1 + (step.Who % (Accounts - 1))}", step.Amount % 8 == 0),
            < 99 => Advance(step.Amount % 400),
            _ => Restart(),
        };
    }

    private BookRequest Request(Step step) => step.Kind switch
    {
        < 45 => new BookRequest(Act.Post, Batch(step.Who % 5 == 0 ? TransferCode.Deposit : TransferCode.Tip, Legs(step.Who % 5, step.Amount))),
        < 60 => new BookRequest(Act.Hold, Batch(TransferCode.Withdrawal, Legs(1, step.Amount / 4)), HoldMs: Next(1_000) - 10),
        < 70 => new BookRequest(Act.PostPending, Batch(TransferCode.Withdrawal, []), AnyHold()),
        < 78 => new BookRequest(Act.VoidPending, Batch(TransferCode.Withdrawal, []), AnyHold()),
        _ when _sent.Count == 0 => new BookRequest(Act.Post, Batch(TransferCode.Deposit, Legs(1, step.Amount))),
        < 87 => AnySent(step.Who),
        _ => Changed(AnySent(step.Who), step.Amount),
    };

    private static BookRequest Changed(BookRequest request, int how)
    {
        var other = new Guid(how, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        var batch = request.Batch with { Content = other };
        return (how % 3) switch
        {
            0 => request with { Batch = batch with { Code = TransferCode.Refund } },
            1 => request with { Batch = batch with { Legs = [.. batch.Legs.Select(leg => leg with { Amount = leg.Amount + 1 })] } },
            _ => request with { Batch = batch },
        };
    }

    private string? Ask(BookRequest request)
    {
        var expected = _model.Apply(request, _nowMs);
        var posting = request.Act switch
        {
            Act.Post => _book.Post(request.Batch, _nowMs),
            Act.Hold => _book.Hold(request.Batch, _nowMs + request.HoldMs, _nowMs),
            Act.PostPending => _book.PostPending(request.Batch, request.PendingId, _nowMs),
            _ => _book.VoidPending(request.Batch, request.PendingId, _nowMs),
        };
        Answers[expected] = Answers.GetValueOrDefault(expected) + 1;
        if (posting.Status != expected)
            return $"{request} is answered with {posting.Status} instead of {expected}";
        if (posting.Status == PostingStatus.Exists && posting.Batch!.Sequence != _journal[request.Batch.Id].Sequence)
            return $"{request} gets another result than the first time";
        if (posting.Status == PostingStatus.Posted)
            Keep(request, posting);
        return Difference();
    }

    private void Keep(BookRequest request, Posting posting)
    {
        var posted = posting.Batch!;
        _journal[posted.Id] = posted;
        (_lastBatch, _lastTransfer) = (posted.Sequence, posted.Transfers.Count > 0 ? posted.Transfers[^1].Sequence : _lastTransfer);
        if (posting.Pending is { } pending)
        {
            _pending[pending.Id] = pending;
            if (request.Act == Act.Hold)
                _holds.Add(pending.Id);
        }

        _sent.Enqueue(request);
        if (_sent.Count <= Remembered)
            return;
        var old = _sent.Dequeue().Batch.Id;
        // A hold is asked about as long as it may still be open.
        if (_pending.TryGetValue(old, out var hold) && hold.State == PendingState.Pending)
            return;
        _journal.Remove(old);
        _model.Forget(old);
        if (!_pending.Remove(old))
            return;
        _holds.Remove(old);
        _model.ForgetHold(old);
    }

    private string? Freeze(string account, bool frozen)
    {
        Book.Freeze(_book.Find(account)!, frozen);
        if (frozen)
            _model.Frozen.Add(account);
        else
            _model.Frozen.Remove(account);
        return null;
    }

    private string? Advance(int milliseconds)
    {
        _nowMs += milliseconds;
        var expired = _book.Expire(_nowMs);
        foreach (var pending in expired)
            _pending[pending.Id] = pending;
        return expired.Select(pending => pending.Id).Order().SequenceEqual(_model.Expire(_nowMs).Order()) ? Difference() : "other holds expired than should";
    }

    /// <summary>Loads the book again from what a journal holds.</summary>
    private string? Restart()
    {
        var frozen = _book.Accounts.Where(account => account.IsFrozen).Select(account => account.Id).ToList();
        _book = NewBook([.. _book.Accounts.Select(account => Account.Restore(
            account.Number, account.Id, account.Kind, account.MayGoNegative, "", 0, account.Balance, account.RelayEarnings))]);
        foreach (var account in frozen)
            Book.Freeze(_book.Find(account)!, frozen: true);
        return Difference();
    }

    private string? Difference()
    {
        foreach (var account in _book.Accounts)
        {
            if (account.Balance != _model.Balances[account.Id])
                return $"{account.Id} has {account.Balance} instead of {_model.Balances[account.Id]}";
            if (account.Held != _model.HeldOf(account.Id))
                return $"of {account.Id} {account.Held} are held instead of {_model.HeldOf(account.Id)}";
            if (account.IsFrozen != _model.Frozen.Contains(account.Id))
                return $"{account.Id} is frozen or not, and should be the other";
            if (!account.MayGoNegative && (account.Balance < 0 || account.Available < 0))
                return $"{account.Id} is below its floor: {account.Balance}, of which {account.Held} held";
        }

        return _book.Sum() == 0 ? null : $"the sum is {_book.Sum()}";
    }

    private Book NewBook(IEnumerable<Account> accounts) => new(
        accounts,
        _lastBatch,
        _lastTransfer,
        RecentKept,
        id => _journal.GetValueOrDefault(id),
        find => _pending.Values.Where(pending => pending.State == PendingState.Pending)
            .Select(pending => pending with { Debit = find(pending.Debit.Id), Credit = find(pending.Credit.Id) }),
        id => _pending.GetValueOrDefault(id) is { State: not PendingState.Pending } ended ? ended : null);

    private TransferBatch Batch(TransferCode code, IReadOnlyList<Leg> legs)
    {
        var id = new Guid((int)(++_ids), (short)(_ids >> 32), 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 2);
        return new TransferBatch(id, id, code, "", "", null, legs);
    }

    private List<Leg> Legs(int count, int amount)
    {
        var legs = new List<Leg>(count);
        for (var i = 0; i < count; i++)
        {
            // One in forty names an account that is not there, one in forty has an amount that is none.
            // Less comes in than goes out, so that wallets run dry again and again.
            var debit = Next(12) == 0 ? 0 : 1 + Next(Accounts - 1);
            legs.Add(new Leg($"a{debit}", $"a{(Next(40) == 0 ? Accounts : (debit + Next(Accounts - 1) + (Next(40) == 0 ? 0 : 1)) % Accounts)}", Next(40) == 0 ? -Next(2) : 1 + ((amount + Next(500)) / count)));
        }

        return legs;
    }

    private Guid AnyHold() => _holds.Count == 0 || Next(30) == 0 ? new Guid(Next(1_000), 9, 9, 9, 9, 9, 9, 9, 9, 9, 9) : _holds[^(1 + Next(Math.Min(_holds.Count, 12)))];

    private BookRequest AnySent(int which) => _sent.ElementAt(_sent.Count - 1 - (which % Math.Min(_sent.Count, 200)));

    /// <summary>SplitMix64: the same step always means the same.</summary>
    private int Next(int below)
    {
        _random += 0x9E37_79B9_7F4A_7C15;
        var mixed = (_random ^ (_random >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return (int)((mixed ^ (mixed >> 31)) % (ulong)below);
    }
}
