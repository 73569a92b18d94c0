using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Ledger;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Microsoft.EntityFrameworkCore;

namespace Beacon.Benchmarks;

/// <summary>
/// What writing alone costs: the ledger's own store and rows in groups of one size, decided beforehand, committed by one
/// thread. No callers, no queue, no look-up of ids. The rest of a transfer's cost is what the ledger does around it.
/// </summary>
internal sealed class StoreAlone : IDisposable
{
    private const int Accounts = 256;
    private const int Groups = 64;

    private readonly int _size;
    private readonly string _directory;
    private readonly SqliteStore _store;
    private readonly Book _book;
    private readonly Random _random = new(7);
    private long _done;
    private TimeSpan _elapsed;
    private TimeSpan _cpu;

    public StoreAlone(string folder, int size)
    {
        _size = size;
        _directory = LedgerBench.NewDirectory(folder);
        var file = Path.Combine(_directory, "ledger.db");
        using (var database = new LedgerDb(new DbContextOptionsBuilder<LedgerDb>().UseSqlite($"Data Source={file};Pooling=False").Options))
            database.Database.Migrate();
        _store = new SqliteStore(file, new LedgerOptions());
        _book = new Book([], 0, 0, 1, _ => null);
        var opened = new Changes();
        opened.Opened.Add(_book.Open(AccountIds.Treasury, AccountKind.Treasury, mayGoNegative: true, "", 0));
        for (var i = 0; i < Accounts; i++)
            opened.Opened.Add(_book.Open(LedgerBench.Wallet(i), AccountKind.Wallet, mayGoNegative: true, LedgerBench.Wallet(i), 0));
        _store.Commit(opened, 0, 1);
    }

    public void Run(TimeSpan duration)
    {
        using var process = Process.GetCurrentProcess();
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < duration)
        {
            var groups = Enumerable.Range(0, Groups).Select(_ => Decide()).ToArray();
            process.Refresh();
            var cpu = process.TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            foreach (var group in groups)
                _store.Commit(group, Environment.TickCount64, 1);
            _elapsed += Stopwatch.GetElapsedTime(started);
            process.Refresh();
            _cpu += process.TotalProcessorTime - cpu;
            _done += Groups * _size;
        }
    }

    public void Forget() => (_done, _elapsed, _cpu) = (0, TimeSpan.Zero, TimeSpan.Zero);

    public JsonObject Report(double syncsPerSecond) => new()
    {
        ["group"] = _size,
        ["transfers_per_s"] = Math.Round(_done / _elapsed.TotalSeconds),
        ["ratio"] = Math.Round(_done / _elapsed.TotalSeconds / syncsPerSecond, 2),
        ["cpu_us_per_transfer"] = Math.Round(_cpu.TotalMicroseconds / _done, 2),
    };

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Changes Decide()
    {
        var changes = new Changes();
        for (var i = 0; i < _size; i++)
        {
            var debit = _random.Next(Accounts);
            var id = LedgerBench.NewId(_random);
            var batch = new TransferBatch(id, id, TransferCode.Tip, LedgerBench.Wallet(debit), LedgerBench.Stream(0), 1, [new Leg(LedgerBench.Wallet(debit), LedgerBench.Wallet((debit + 1) % Accounts), 1)]);
            var posted = _book.Post(batch, Environment.TickCount64).Batch!;
            changes.Batches.Add((batch, posted));
            changes.Touched.Add(posted.Transfers[0].Debit);
            changes.Touched.Add(posted.Transfers[0].Credit);
        }

        return changes;
    }
}
