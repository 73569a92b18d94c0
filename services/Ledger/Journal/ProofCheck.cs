using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Proves the running ledger: replays its journal from the first row, a slice at a time, and begins anew at the end, so that
/// damage to old rows is found too. Each slice reads one snapshot and is short, so that it keeps no checkpoint waiting.
/// </summary>
internal sealed class ProofCheck : BackgroundService
{
    private readonly ILedgerDatabase _database;
    private readonly IOptions<LedgerOptions> _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<ProofCheck> _log;
    private readonly JournalReplay _replay = new();
    private long _proved;
    private volatile string? _trouble;

    public ProofCheck(ILedgerDatabase database, LedgerMetrics metrics, IOptions<LedgerOptions> options, TimeProvider clock, ILogger<ProofCheck> log)
    {
        (_database, _options, _clock, _log) = (database, options, clock, log);
        _proved = clock.GetTimestamp();
        metrics.ProofAge = () => clock.GetElapsedTime(Interlocked.Read(ref _proved)).TotalSeconds;
    }

    /// <summary>The first thing that was found wrong; null while there is nothing. It stays until the process ends: damage does not heal.</summary>
    public string? Trouble => _trouble;

    /// <summary>Replays one slice; true when it was the last of the journal.</summary>
    public bool Slice()
    {
        using var journal = _database.OpenJournal();
        var ended = _replay.Advance(journal, _options.Value.ProofSliceRows);
        if (_replay.ProblemCount > 0 && _trouble is null)
        {
            _trouble = _replay.Problems[0];
            Log.ProofFailed(_log, _trouble);
        }

        if (!ended)
            return false;
        if (_replay.ProblemCount == 0)
            Interlocked.Exchange(ref _proved, _clock.GetTimestamp());
        _replay.Restart();
        return true;
    }

    public override void Dispose()
    {
        base.Dispose();
        _replay.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(_options.Value.ProofSliceSeconds), _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                TrySlice();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private void TrySlice()
    {
        try
        {
            Slice();
        }
#pragma warning disable CA1031 // Whatever it was is told; the journal is read again from the start.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // A page that cannot be read is damage; a file that is busy or a disk that is away is not.
            if (exception is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB } or PostgresException { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted } or InvalidDataException)
                _trouble ??= exception.Message;
            Log.ProofInterrupted(_log, exception);
            _replay.Restart();
        }
    }
}
