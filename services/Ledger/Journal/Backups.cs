using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Journal;

/// <summary>A backup that was made and proved.</summary>
internal sealed record Backup(string Name, long Bytes, DateTimeOffset MadeAt, LedgerProof Proof);

/// <summary>
/// Copies the running ledger with SQLite's online backup: one snapshot, while the writer goes on. A copy gets its name only
/// after it was proved and has reached the disk, so that what bears the name of a backup is one.
/// </summary>
internal sealed class Backups(ILedgerDatabase database, LedgerMetrics metrics, IOptions<LedgerOptions> options, TimeProvider clock, ILogger<Backups> log) : BackgroundService
{
    private const string Pattern = "ledger-*.db";

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>A database server has means of its own, with which its operator also brings it back.</summary>
    private LedgerFile File => database as LedgerFile ?? throw LedgerErrors.BackupsByTheDatabase.Exception();

    private string Folder => options.Value.BackupDirectory.Length > 0
        ? options.Value.BackupDirectory
        : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(File.Path))!, "backups");

    /// <summary>Makes a backup, proves it, and deletes the oldest beyond those that are kept. Refused while another is made.</summary>
    public async Task<Backup> MakeAsync(CancellationToken cancellationToken)
    {
        _ = File;
        if (!await _one.WaitAsync(TimeSpan.Zero, cancellationToken))
            throw LedgerErrors.BackupRunning.Exception();
        try
        {
            // SQLite copies without a pause; a thread of its own for as long as that takes.
            var backup = await Task.Factory.StartNew(Make, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            metrics.BackupEnded(succeeded: true);
            Log.BackupMade(log, Path.Combine(Folder, backup.Name), backup.Bytes, backup.Proof.Transfers);
            return backup;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            metrics.BackupEnded(succeeded: false);
            Log.BackupFailed(log, exception);
            throw LedgerErrors.BackupFailed.Exception();
        }
        finally
        {
            _one.Release();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _one.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.BackupMinutes == 0)
            return;
        if (database is not LedgerFile)
            throw new InvalidOperationException($"Beacon:Ledger:BackupMinutes makes copies of a file; {database.Name} is backed up with PostgreSQL's own means. Set it to 0.");
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(options.Value.BackupMinutes), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TryMakeAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task TryMakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await MakeAsync(cancellationToken);
        }
        catch (Grpc.Core.RpcException)
        {
            // Logged and counted; the next time is on schedule.
        }
    }

    private Backup Make()
    {
        Directory.CreateDirectory(Folder);
        // What a crash left of a former attempt.
        foreach (var left in Directory.EnumerateFiles(Folder, Pattern + ".partial*"))
            System.IO.File.Delete(left);
        var madeAt = clock.GetUtcNow();
        var name = string.Create(CultureInfo.InvariantCulture, $"ledger-{madeAt:yyyyMMdd'T'HHmmssfff'Z'}.db");
        var path = Path.Combine(Folder, name);
        var partial = path + ".partial";
        try
        {
            Copy(partial);
            var proof = LedgerProof.Of(partial);
            if (!proof.IsSound)
                throw new InvalidDataException($"The copy does not prove itself: {proof.Problems[0]}");
            System.IO.File.Move(partial, path, overwrite: false);
            foreach (var old in Directory.GetFiles(Folder, Pattern).OrderDescending(StringComparer.Ordinal).Skip(options.Value.BackupsKept))
                System.IO.File.Delete(old);
            return new Backup(name, new FileInfo(path).Length, madeAt, proof);
        }
        catch
        {
            System.IO.File.Delete(partial);
            throw;
        }
    }

    private void Copy(string path)
    {
        using (var source = new SqliteConnection(new SqliteConnectionStringBuilder(File.ConnectionString) { Pooling = false, Mode = SqliteOpenMode.ReadOnly }.ToString()))
        using (var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString()))
        {
            source.Open();
            copy.Open();
            source.BackupDatabase(copy);
            // One file without a log beside it: it can be copied, moved and read anywhere.
            using var journal = new PreparedStatement(copy.Handle!, "PRAGMA journal_mode = DELETE");
            journal.Run();
        }

        using var handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }
}
