using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The index from an account to its transfers, which statements read. An index of SQLite's own would change, log and check
/// point a page for each side of each transfer, most of what a transfer costs. Here transfers wait in memory until there
/// are many; then they are entered in order of accounts, so that one page takes many of them, and a few with each group, so
/// that no group is late. What waits is behind the cursor, where readers look through the journal itself. Shares the
/// connection and the transactions of <see cref="SqliteStore"/>.
/// </summary>
internal sealed class SqliteEntries : IDisposable
{
    /// <summary>Transfers that wait before they are entered: what a reader looks through in a millisecond.</summary>
    private const int RunTransfers = 8_192;

    /// <summary>A quiet ledger enters them sooner: then there are few.</summary>
    private const int RunMs = 1_000;

    /// <summary>Entries that are made for a transfer: one more than it adds, so that a run ends before the next is due.</summary>
    private const int PerTransfer = 3;

    /// <summary>Entries that are made with a group however small it is.</summary>
    private const int Least = 64;

    /// <summary>What part of a run goes with a group at least: one that is far behind, since its entries were thrown away, comes up in some thousand groups.</summary>
    private const int Groups = 1_024;

    private readonly InsertStatement _insert;
    private readonly PreparedStatement _moveCursor;

    /// <summary>Both sides of each transfer behind those of the run: account and distance from <see cref="_waitingFrom"/>, in one number to sort by.</summary>
    private List<long> _waiting = [];
    private List<long> _run = [];
    private long _waitingFrom;
    private long _runFrom;
    private long _runThrough;
    private long _runBeganMs;
    private int _entered;

    public SqliteEntries(SqliteConnection connection)
    {
        // A run that was not finished is entered again.
        _insert = new(connection, "entries (account, transfer)", "IGNORE");
        _moveCursor = new(connection, "UPDATE entry_cursor SET through = ? WHERE id = 1");
        using var through = new PreparedStatement(connection, "SELECT through FROM entry_cursor WHERE id = 1");
        if (!through.Read())
            throw new InvalidDataException("The file says nowhere through which transfer its entries reach.");
        _runThrough = _waitingFrom = through.Long(0);
        through.Reset();
        using var behind = new PreparedStatement(connection, "SELECT sequence, debit, credit FROM transfers WHERE sequence > ? ORDER BY sequence");
        behind.Add(_waitingFrom);
        while (behind.Read())
            Wait(behind.Long(0), behind.Int(1), behind.Int(2));
    }

    /// <summary>Writes within the transaction that is open. After one that fails this knows too much, and is made anew with the store.</summary>
    public void Write(Changes changes, long nowMs)
    {
        var before = _waiting.Count;
        foreach (var (_, posted) in changes.Batches)
        {
            foreach (var t in posted.Transfers)
                Wait(t.Sequence, t.Debit.Number, t.Credit.Number);
        }

        var added = _waiting.Count - before;
        if (_entered == _run.Count && !BeginRun(nowMs))
            return;
        var until = Math.Min(_run.Count, _entered + Math.Max(Math.Max(Least, (_run.Count - _entered) / Groups), added / 2 * PerTransfer));
        for (; _entered < until; _entered++)
        {
            _insert.Next(until - _entered).Add(_run[_entered] >> 32).Add(_runFrom + (uint)_run[_entered]);
            _insert.Added();
        }

        if (_entered == _run.Count)
            _moveCursor.Add(_runThrough).Run();
    }

    public void Dispose()
    {
        _insert.Dispose();
        _moveCursor.Dispose();
    }

    private void Wait(long transfer, int debit, int credit)
    {
        var distance = checked((uint)(transfer - _waitingFrom));
        _waiting.Add(((long)debit << 32) | distance);
        _waiting.Add(((long)credit << 32) | distance);
    }

    private bool BeginRun(long nowMs)
    {
        if (_waiting.Count == 0 || (_waiting.Count < 2 * RunTransfers && nowMs - _runBeganMs < RunMs))
            return false;
        _runFrom = _waitingFrom;
        _runThrough = _waitingFrom + (uint)_waiting[^1];
        (_run, _waiting) = (_waiting, _run);
        _waiting.Clear();
        _waitingFrom = _runThrough;
        _run.Sort();
        _entered = 0;
        _runBeganMs = nowMs;
        return true;
    }
}
