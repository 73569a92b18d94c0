using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Beacon.Benchmarks;

/// <summary>
/// What the disk alone can do: 16 KiB written in place over blocks that exist, then fdatasync, again and again, on the same
/// file system as the ledger. .NET's own flush is fsync, which also writes the file's times and would flatter every ratio;
/// the SQLite of the packages is compiled to end a commit with it, so it is measured too.
/// </summary>
internal sealed class RawSync : IDisposable
{
    private readonly bool _withTimes;
    private readonly byte[] _block = new byte[16 * 1024];
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _syncs;
    private long _ticks;

    /// <param name="withTimes">fsync instead of fdatasync.</param>
    public RawSync(string folder, bool withTimes = false)
    {
        _withTimes = withTimes;
        _path = Path.Combine(folder, $"raw-sync-{Guid.NewGuid():N}");
        _file = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite);
        RandomAccess.Write(_file, _block, 0);
        RandomAccess.FlushToDisk(_file);
    }

    public Latencies Latencies { get; } = new();

    public double PerSecond => _syncs * (double)Stopwatch.Frequency / _ticks;

    public void Run(TimeSpan duration)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            _block[_syncs % _block.Length]++;
            var before = Stopwatch.GetTimestamp();
            RandomAccess.Write(_file, _block, 0);
            Synchronise(_file);
            var took = Stopwatch.GetTimestamp() - before;
            Latencies.Add(took);
            _ticks += took;
            _syncs++;
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    private void Synchronise(SafeFileHandle file)
    {
        if (_withTimes || !OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        if (FDataSync((int)file.DangerousGetHandle()) != 0)
            throw new IOException($"fdatasync failed with {Marshal.GetLastPInvokeError()}.");
    }

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FDataSync(int descriptor);
}
