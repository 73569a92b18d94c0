using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Books the whole journal again from its first row, and compares: numbers without a gap, every balance that a transfer
/// says it left, every floor, every link of the chain, and at the end the balance of every account. Goes on where it
/// stopped, so that a running ledger can be proved in slices; only journal rows that no later commit can change lie behind it.
/// </summary>
internal sealed class JournalReplay : IDisposable
{
    /// <summary>Problems that are kept as text; all are counted.</summary>
    public const int ProblemsKept = 20;

    private readonly ChainHash _hash = new();
    private readonly List<Replayed> _accounts = [];
    private readonly List<string> _problems = [];
    private ChainLink _last = ChainLink.Genesis;
    private ChainLink? _current;
    private long _lastBatch;
    private long _lastTransfer;

    public int Accounts => _accounts.Count;

    public long Batches => _lastBatch;

    public long Transfers => _lastTransfer;

    /// <summary>The last link that was replayed.</summary>
    public ChainLink Head => _last;

    public long ProblemCount { get; private set; }

    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Links whose hash is not that of their rows, and rows that no link covers.</summary>
    public long BrokenLinks { get; private set; }

    /// <summary>Accounts whose balance or earnings are not what the journal adds up to; known when the end was reached.</summary>
    public int MismatchedAccounts { get; private set; }

    /// <summary>The sum over the balances that the file shows; known when the end was reached.</summary>
    public Int128 Sum { get; private set; }

    /// <summary>The first link of a journal that has no chain yet: everything that is there.</summary>
    public static ChainLink Seal(IJournalReader journal)
    {
        using var replay = new JournalReplay();
        replay._current = new ChainLink(1, int.MaxValue, long.MaxValue, long.MaxValue, []);
        replay._hash.Begin(ChainHash.Genesis);
        replay.OpenAccounts(journal);
        replay.ReplayBatches(journal, long.MaxValue);
        return new ChainLink(1, replay.Accounts, replay.Batches, replay.Transfers, replay._hash.End());
    }

    /// <summary>
    /// Replays about so many rows more; true when the journal's end was reached and the
    /// accounts were compared with it.
    /// </summary>
    public bool Advance(IJournalReader journal, long rows) => AdvanceTo(journal, Progress + rows);

    /// <summary>Begins anew at the first row. The room for the accounts stays: it is large, and as much is needed again.</summary>
    public void Restart()
    {
        _accounts.Clear();
        _problems.Clear();
        (_last, _current) = (ChainLink.Genesis, null);
        (_lastBatch, _lastTransfer) = (0, 0);
        (ProblemCount, BrokenLinks, MismatchedAccounts, Sum) = (0, 0, 0, 0);
    }

    public void Dispose() => _hash.Dispose();

    // A link without any row counts too: a slice ends.
    private long Progress => _accounts.Count + _lastBatch + _lastTransfer + _last.Number;

    private bool AdvanceTo(IJournalReader journal, long until)
    {
        while (true)
        {
            if (_current is null && !BeginLink(journal))
            {
                CompareAccounts(journal);
                return true;
            }

            if (!ReplayBatches(journal, until))
                return false;
            EndLink();
            if (Progress >= until)
                return false;
        }
    }

    private bool BeginLink(IJournalReader journal)
    {
        if (journal.Link(_last.Number + 1) is not { } link)
            return false;
        _current = link;
        _hash.Begin(_last.Hash);
        OpenAccounts(journal);
        return true;
    }

    private void EndLink()
    {
        var link = _current!;
        if ((link.LastAccount, link.LastBatch, link.LastTransfer) != (_accounts.Count, _lastBatch, _lastTransfer))
            Broken($"link {link.Number} ends at account {link.LastAccount}, batch {link.LastBatch}, transfer {link.LastTransfer}, and the rows at {_accounts.Count}, {_lastBatch}, {_lastTransfer}");
        else if (!_hash.End().AsSpan().SequenceEqual(link.Hash))
            Broken($"link {link.Number}, batches {_last.LastBatch + 1} to {link.LastBatch}, is not the hash of its rows");
        // What follows is compared with the hash that the file has, so that one broken link is one problem.
        _last = link;
        _current = null;
    }

    private void OpenAccounts(IJournalReader journal)
    {
        var row = journal.Accounts(_accounts.Count, _current!.LastAccount);
        while (row.Read())
        {
            var (number, id, mayGoNegative) = (row.Int(0), row.Text(1), row.Int(3) != 0);
            _hash.Account(number, id, row.Int(2), mayGoNegative, row.Long(4));
            if (number != _accounts.Count + 1)
                Problem($"account {number} follows account {_accounts.Count}");
            while (_accounts.Count < number - 1)
                _accounts.Add(new Replayed(mayGoNegative: true));
            _accounts.Add(new Replayed(mayGoNegative));
        }
    }

    /// <summary>Replays batches of the current link; false when there are more than were asked for.</summary>
    private bool ReplayBatches(IJournalReader journal, long until)
    {
        var link = _current!;
        var batches = journal.Batches(_lastBatch, link.LastBatch);
        var transfers = journal.Transfers(_lastTransfer, link.LastTransfer);
        var more = transfers.Read();
        while (batches.Read())
        {
            var (sequence, code) = (batches.Long(0), batches.Int(3));
            _hash.Batch(sequence, batches.Id(1), batches.Id(2), code, batches.Text(4), batches.Text(5), batches.IsNull(6) ? null : batches.Long(6), batches.Long(7));
            if (sequence != _lastBatch + 1)
                Problem($"batch {sequence} follows batch {_lastBatch}");
            _lastBatch = sequence;
            var legs = 0;
            while (more && transfers.Long(2) == sequence)
            {
                Replay(transfers, code);
                legs++;
                more = transfers.Read();
            }

            // No part of the hash, since it follows from the transfers; not there in a file of a former version.
            if (!batches.IsNull(8) && (batches.Int(8), batches.Long(9)) != (legs, legs == 0 ? 0 : _lastTransfer))
                Problem($"batch {sequence} has {legs} transfers up to {_lastTransfer}, and says {batches.Int(8)} up to {batches.Long(9)}");

            if (Progress < until)
                continue;
            batches.Reset();
            transfers.Reset();
            return sequence == link.LastBatch;
        }

        while (more)
        {
            Problem($"transfer {transfers.Long(0)} names batch {transfers.Long(2)} in the place of another");
            _lastTransfer = transfers.Long(0);
            more = transfers.Read();
        }

        return true;
    }

    private void Replay(IRows row, int code)
    {
        var (sequence, debit, credit, amount) = (row.Long(0), row.Int(3), row.Int(4), row.Long(5));
        var (debitBalance, creditBalance) = (row.Long(6), row.Long(7));
        _hash.Transfer(sequence, row.Id(1), row.Long(2), debit, credit, amount, debitBalance, creditBalance);
        if (sequence != _lastTransfer + 1)
            Problem($"transfer {sequence} follows transfer {_lastTransfer}");
        _lastTransfer = sequence;
        if (amount <= 0 || debit == credit || !IsOpen(debit) || !IsOpen(credit))
        {
            Problem($"transfer {sequence} moves {amount} from account {debit} to account {credit}");
            return;
        }

        var payer = _accounts[debit - 1];
        var payee = _accounts[credit - 1];
        // As little part of the hash as what a batch says of its transfers.
        if (!row.IsNull(8) && (row.Long(8), row.Long(9)) != (payer.LastTransfer, payee.LastTransfer))
            Problem($"transfer {sequence} follows {payer.LastTransfer} and {payee.LastTransfer} of accounts {debit} and {credit}, and says {row.Long(8)} and {row.Long(9)}");
        payer = payer with { Balance = unchecked(payer.Balance - amount) };
        payee = payee with { Balance = unchecked(payee.Balance + amount), RelayEarnings = unchecked(payee.RelayEarnings + (code == (int)TransferCode.Relay ? amount : 0)) };
        if ((payer.Balance, payee.Balance) != (debitBalance, creditBalance))
            Problem($"transfer {sequence} left {payer.Balance} and {payee.Balance}, and says {debitBalance} and {creditBalance}");
        if (payer.Balance < 0 && !payer.MayGoNegative)
            Problem($"transfer {sequence} took account {debit} below zero");
        _accounts[debit - 1] = payer.With(sequence);
        _accounts[credit - 1] = payee.With(sequence);
    }

    private void CompareAccounts(IJournalReader journal)
    {
        var (account, batch, transfer) = journal.Ends();
        if ((account, batch, transfer) != (_accounts.Count, _lastBatch, _lastTransfer))
            Broken($"the chain ends at account {_accounts.Count}, batch {_lastBatch}, transfer {_lastTransfer}, and the file at {account}, {batch}, {transfer}");
        var row = journal.Balances();
        var last = 0;
        while (row.Read())
        {
            var (number, mayGoNegative, balance, earnings) = (row.Int(0), row.Int(1) != 0, row.Long(2), row.Long(3));
            WithoutBalance(last, number - 1);
            last = number;
            Sum += balance;
            if (!IsOpen(number))
                Mismatch($"there is a balance of {balance} and no account {number}");
            else if (_accounts[number - 1] is var replayed && (replayed.Balance, replayed.RelayEarnings) != (balance, earnings))
                Mismatch($"account {number} has {balance} and relay earnings of {earnings}, and the journal adds up to {replayed.Balance} and {replayed.RelayEarnings}");
            else if (replayed.MayGoNegative != mayGoNegative)
                Mismatch($"account {number} may {(replayed.MayGoNegative ? "" : "not ")}go below zero, and its balance says the opposite");
            else if (!row.IsNull(4))
                CompareHistory(number, replayed, row);
        }

        WithoutBalance(last, _accounts.Count);
        if (Sum != 0)
            Problem($"the sum over all balances is {Sum} instead of zero");
    }

    private void CompareHistory(int number, in Replayed replayed, IRows row)
    {
        if ((row.Long(4), row.Long(5)) != (replayed.LastTransfer, replayed.Transfers))
            Problem($"account {number} has {replayed.Transfers} transfers up to {replayed.LastTransfer}, and says {row.Long(5)} up to {row.Long(4)}");
        if ((row.Long(6), row.Long(7)) != (replayed.Transfers / History.TransfersPerMark, replayed.MarkSum))
            Problem($"account {number} has other marks than every {History.TransfersPerMark}th of its transfers");
    }

    private void WithoutBalance(int after, int through)
    {
        for (var number = Math.Max(after, 0) + 1; number <= through && IsOpen(number); number++)
            Mismatch($"account {number} has no balance");
    }

    private void Mismatch(string what)
    {
        MismatchedAccounts++;
        Problem(what);
    }

    private bool IsOpen(int number) => number >= 1 && number <= _accounts.Count;

    private void Broken(string what)
    {
        BrokenLinks++;
        Problem(what);
    }

    private void Problem(string what)
    {
        ProblemCount++;
        if (_problems.Count < ProblemsKept)
            _problems.Add(what);
    }

    private readonly record struct Replayed(bool MayGoNegative, long Balance, long RelayEarnings, long LastTransfer, long Transfers, long MarkSum)
    {
        public Replayed(bool mayGoNegative) : this(mayGoNegative, 0, 0, 0, 0, 0)
        {
        }

        /// <summary>With one transfer more in its history.</summary>
        public Replayed With(long transfer) => this with
        {
            LastTransfer = transfer,
            Transfers = Transfers + 1,
            MarkSum = History.HasMark(Transfers + 1) ? unchecked(MarkSum + transfer) : MarkSum,
        };
    }
}
