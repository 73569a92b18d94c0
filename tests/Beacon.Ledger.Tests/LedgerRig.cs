using System.Diagnostics.Metrics;
using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Ledger.Tests;

/// <summary>The writer on a real database, by default a file in a folder of its own, without a host around it.</summary>
internal sealed class LedgerRig : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private LedgerRig(string directory, LedgerOptions options, FakeTimeProvider clock, ILedgerDatabase? database)
    {
        Directory = directory;
        Clock = clock;
        Database = database ?? new LedgerFile($"Data Source={Path}");
        var services = new ServiceCollection().AddMetrics().AddLogging();
        Database.AddContexts(services);
        _services = services.BuildServiceProvider();
        Databases = _services.GetRequiredService<IDbContextFactory<LedgerDb>>();
        Metrics = new LedgerMetrics(_services.GetRequiredService<IMeterFactory>());
        Writer = new LedgerWriter(Database, Databases, Options.Create(options), Metrics, clock, NullLogger<LedgerWriter>.Instance);
    }

    public string Directory { get; }

    public string Path => System.IO.Path.Combine(Directory, "ledger.db");

    public FakeTimeProvider Clock { get; }

    /// <summary>The file, unless another was given.</summary>
    public ILedgerDatabase Database { get; }

    public IDbContextFactory<LedgerDb> Databases { get; }

    public LedgerMetrics Metrics { get; }

    public LedgerWriter Writer { get; }

    public static string NewDirectory() => System.IO.Directory.CreateTempSubdirectory("beacon-ledger-").FullName;

    public static async Task<LedgerRig> StartAsync(string? directory = null, LedgerOptions? options = null, ILedgerDatabase? database = null)
    {
        var rig = new LedgerRig(directory ?? NewDirectory(), options ?? new LedgerOptions { RelayProbationWindows = 0 }, new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)), database);
        await rig.Writer.StartAsync(TestContext.Current.CancellationToken);
        return rig;
    }

    public static Guid Id(int number) => new(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1);

    /// <summary>Stops the writer and starts another on the same database, as a restart does.</summary>
    public async Task<LedgerRig> RestartAsync(LedgerOptions? options = null)
    {
        await StopAsync();
        return await StartAsync(Directory, options, Database is LedgerFile ? null : Database);
    }

    public Task<T> DoAsync<T>(Func<LedgerState, T> decide) =>
        Writer.ExecuteAsync(decide, waitForRoom: true, TestContext.Current.CancellationToken).AsTask();

    public Task OpenAsync(params string[] accounts) => DoAsync(state =>
    {
        foreach (var account in accounts)
            state.Wallet(account, account);
        return true;
    });

    /// <summary>Opens the wallet and fills it from the treasury.</summary>
    public async Task FundAsync(string account, long amount)
    {
        await OpenAsync(account);
        var id = DerivedId.Of("fund", account, amount.ToString(CultureInfo.InvariantCulture));
        Assert.Null((await DoAsync(new Deposit("operator", account, amount, id).Decide)).Refusal);
    }

    public Task StreamAsync(string streamId, string broadcaster) =>
        DoAsync(state => StreamFacts.Started(state, streamId, broadcaster, state.NowMs));

    public Task<Decided<PostedBatch>> TipAsync(string from, string streamId, long amount, int id, long? squadVersion = null) =>
        DoAsync(new Tip(from, from, streamId, amount, Id(id), squadVersion).Decide);

    public Task<long> BalanceAsync(string account) => DoAsync(state => state.Find(account)?.Balance ?? 0);

    /// <summary>Runs SQL as somebody with another connection would.</summary>
    public async Task<long> SqlAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Texts of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>What an auditor does: replays the journal and compares every balance, in memory and in the file.</summary>
    public async Task AssertSoundAsync()
    {
        await using var database = await Databases.CreateDbContextAsync();
        var accounts = await database.Accounts.AsNoTracking().ToDictionaryAsync(account => account.Number);
        var held = await database.Balances.AsNoTracking().ToDictionaryAsync(row => row.Account);
        var relayBatches = await database.Batches.AsNoTracking().Where(batch => batch.Code == (int)TransferCode.Relay).Select(batch => batch.Sequence).ToHashSetAsync();
        var balances = accounts.Keys.ToDictionary(number => number, _ => 0L);
        var earned = accounts.Keys.ToDictionary(number => number, _ => 0L);
        var sequence = 0L;
        foreach (var transfer in await database.Transfers.AsNoTracking().OrderBy(transfer => transfer.Sequence).ToListAsync())
        {
            Assert.Equal(++sequence, transfer.Sequence);
            Assert.Equal(balances[transfer.Debit] -= transfer.Amount, transfer.DebitBalance);
            Assert.Equal(balances[transfer.Credit] += transfer.Amount, transfer.CreditBalance);
            if (relayBatches.Contains(transfer.Batch))
                earned[transfer.Credit] += transfer.Amount;
            Assert.True(balances[transfer.Debit] >= 0 || accounts[transfer.Debit].MayGoNegative, $"{accounts[transfer.Debit].AccountId} went below zero");
        }

        foreach (var account in accounts.Values)
        {
            var own = held[account.Number];
            Assert.Equal((balances[account.Number], earned[account.Number], account.MayGoNegative), (own.Balance, own.RelayEarnings, own.MayGoNegative));
            Assert.Equal(own.Balance, await BalanceAsync(account.AccountId));
        }

        Assert.Equal(accounts.Count, held.Count);
        Assert.Equal(0, held.Values.Sum(row => row.Balance));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    public async Task StopAsync()
    {
        await Writer.StopAsync(CancellationToken.None);
        Writer.Dispose();
        Metrics.Dispose();
        await _services.DisposeAsync();
        SqliteConnection.ClearAllPools();
    }
}
