namespace Beacon.Ledger.Journal;

/// <summary>
/// Two writers of one file would each trust balances that the other changes. The lock is the open file beside the ledger;
/// the operating system drops it with the process, however that ends.
/// </summary>
internal sealed class WriterLock : IDisposable
{
    private readonly FileStream _file;

    private WriterLock(FileStream file) => _file = file;

    public static WriterLock Take(string databasePath)
    {
        var path = databasePath + ".lock";
        try
        {
            return new WriterLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException(
                $"The ledger {databasePath} cannot be locked ({path}): another process writes to it, or the folder is not writable. A ledger has one writer.", exception);
        }
    }

    public void Dispose() => _file.Dispose();
}
