using System.Globalization;

namespace Beacon.Ledger.Journal;

/// <summary>What a restore left: the proof of the ledger that is in place now, and where the former one went.</summary>
/// <param name="FormerPath">Null when there was none.</param>
internal sealed record Restored(LedgerProof Proof, string? FormerPath);

/// <summary>A backup that is not sound, or a ledger that is in use: nothing was changed.</summary>
internal sealed class RestoreRefusedException(string reason, string message, LedgerProof? proof = null) : Exception(message)
{
    public string Reason => reason;

    public LedgerProof? Proof => proof;
}

/// <summary>
/// Puts a backup in the place of a ledger whose service is stopped. The copy is proved where it will stand before the former ledger is
/// moved aside, which is never deleted: it may hold what the backup does not.
/// </summary>
internal static class Restore
{
    private static readonly string[] Parts = ["", "-wal", "-shm"];

    /// <param name="progress">Hears how much of the work is done, 0 to 1.</param>
    public static Restored Run(string backup, string ledger, DateTimeOffset now, IProgress<double>? progress = null)
    {
        var sound = Proved(backup, ProgressPart.Of(progress, 0, 0.5));
        using var writer = Lock(ledger);
        var arriving = $"{ledger}.restoring";
        Copy(backup, arriving);
        if (LedgerProof.Of(arriving, ProgressPart.Of(progress, 0.5, 1)) is var copy && (!copy.IsSound || copy.Head != sound.Head))
        {
            File.Delete(arriving);
            throw new RestoreRefusedException("copy_not_sound", $"The copy {arriving} differs from the backup: the disk of the ledger, or of the backup, fails.", copy);
        }

        // To prove it, it was opened; what SQLite made beside it goes with it.
        foreach (var part in Parts[1..])
            File.Delete(arriving + part);
        var former = File.Exists(ledger) ? $"{ledger}.before-{now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}" : null;
        foreach (var part in Parts)
        {
            // With its log, without which it would lack the latest transfers.
            if (former is not null && File.Exists(ledger + part))
                File.Move(ledger + part, former + part);
        }

        File.Move(arriving, ledger);
        return new Restored(copy, former);
    }

    private static LedgerProof Proved(string backup, IProgress<double>? progress)
    {
        if (!File.Exists(backup))
            throw new RestoreRefusedException("no_backup", $"There is no file {backup}.");
        var proof = LedgerProof.Of(backup, progress);
        return proof.IsSound ? proof : throw new RestoreRefusedException("backup_not_sound", $"{backup} is not sound: {string.Join("; ", proof.Problems)}", proof);
    }

    private static WriterLock Lock(string ledger)
    {
        try
        {
            return WriterLock.Take(ledger);
        }
        catch (InvalidOperationException exception)
        {
            throw new RestoreRefusedException("ledger_in_use", $"{exception.Message} Stop the service first.");
        }
    }

    private static void Copy(string from, string to)
    {
        using var source = File.OpenRead(from);
        using var target = new FileStream(to, FileMode.Create, FileAccess.Write, FileShare.None);
        source.CopyTo(target);
        target.Flush(flushToDisk: true);
    }
}
