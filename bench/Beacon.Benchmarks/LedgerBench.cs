using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using Beacon.Ledger;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Journal.Postgres;
using Beacon.Ledger.Operations;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Beacon.Benchmarks;

/// <summary>The production writer on a file of its own, with wallets that can pay and streams that can be tipped.</summary>
internal sealed class LedgerBench : IAsyncDisposable
{
    public const int Streams = 64;

    private readonly ServiceProvider _services;
    private readonly LedgerMetrics _metrics;
    private readonly MeterListener _listener = new();
    private readonly string _directory;
    private readonly bool _keep;
    private long _commits;
    private long _requests;

    private LedgerBench(string directory, bool keep, string? server)
    {
        (_directory, _keep) = (directory, keep);
        ILedgerDatabase database = server is null ? new LedgerFile($"Data Source={FilePath}") : new LedgerServer(server);
        var services = new ServiceCollection().AddMetrics().AddLogging();
        database.AddContexts(services);
        _services = services.BuildServiceProvider();
        var databases = _services.GetRequiredService<IDbContextFactory<LedgerDb>>();
        _metrics = new LedgerMetrics(_services.GetRequiredService<IMeterFactory>());
        Writer = new LedgerWriter(database, databases, Microsoft.Extensions.Options.Options.Create(Options), _metrics, TimeProvider.System, LoggerFactory.Create(logging => logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning)).CreateLogger<LedgerWriter>());
        _listener.InstrumentPublished = (instrument, on) =>
        {
            if (instrument.Name == "beacon.ledger.commit.requests" && ReferenceEquals(instrument.Meter.Scope, _services.GetRequiredService<IMeterFactory>()))
                on.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, requests, _, _) =>
        {
            Interlocked.Increment(ref _commits);
            Interlocked.Add(ref _requests, requests);
        });
        _listener.Start();
    }

    public LedgerOptions Options { get; } = new() { RelayProbationWindows = 0 };

    public LedgerWriter Writer { get; }

    public string FilePath => Path.Combine(_directory, "ledger.db");

    public long Commits => Interlocked.Read(ref _commits);

    public long Requests => Interlocked.Read(ref _requests);

    /// <param name="server">The connection string of an empty PostgreSQL database; null = a file.</param>
    public static async Task<LedgerBench> StartAsync(string folder, int wallets, string? server = null)
    {
        var bench = await OpenAsync(NewDirectory(folder), keep: false, server);
        await bench.FillAsync(wallets);
        return bench;
    }

    /// <summary>The writer on a folder that may have a ledger already.</summary>
    /// <param name="keep">Leaves the folder when this ends.</param>
    public static async Task<LedgerBench> OpenAsync(string directory, bool keep, string? server = null)
    {
        var bench = new LedgerBench(directory, keep, server);
        await bench.Writer.StartAsync(CancellationToken.None);
        return bench;
    }

    public static string NewDirectory(string folder) => Directory.CreateDirectory(Path.Combine(folder, $"ledger-bench-{Guid.NewGuid():N}")).FullName;

    /// <summary>Opens wallets with all the credits that they can ever need, and streams.</summary>
    public async Task FillAsync(int wallets)
    {
        for (var first = 0; first < wallets; first += 10_000)
        {
            var part = Enumerable.Range(first, Math.Min(10_000, wallets - first)).ToArray();
            await DoAsync(state =>
            {
                foreach (var wallet in part)
                {
                    state.Wallet(Wallet(wallet), Wallet(wallet));
                    new Deposit("operator", Wallet(wallet), Amounts.Max, Guid.CreateVersion7()).Decide(state).OrThrow();
                }

                return true;
            });
        }

        await DoAsync(state =>
        {
            for (var stream = 0; stream < Streams; stream++)
                StreamFacts.Started(state, Stream(stream), $"host-{stream}", state.NowMs);
            return true;
        });
    }

    public static string Wallet(int number) => $"guest-{number}";

    public static string Stream(int number) => $"0195a000-0000-7000-8000-{number:D12}";

    /// <summary>A UUID of version 7 as a client makes it, without the system call that is the client's cost.</summary>
    public static Guid NewId(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << 16) | 0x7000 | (uint)random.Next(0x1000));
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public ValueTask<T> DoAsync<T>(Func<LedgerState, T> decide) => Writer.ExecuteAsync(decide, waitForRoom: true, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Writer.StopAsync(CancellationToken.None);
        Writer.Dispose();
        _listener.Dispose();
        _metrics.Dispose();
        await _services.DisposeAsync();
        SqliteConnection.ClearAllPools();
        if (!_keep)
            Directory.Delete(_directory, recursive: true);
    }
}
