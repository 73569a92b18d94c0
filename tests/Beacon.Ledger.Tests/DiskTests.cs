using System.Diagnostics;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Tests;

/// <summary>A disk that is really full or read-only: a small file system in memory, which needs the right to mount.</summary>
public sealed class DiskTests
{
    [Fact]
    public async Task A_full_disk_refuses_says_so_loses_nothing_and_heals_by_itself()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var rig = await LedgerRig.StartAsync(disk.Folder("ledger"));
        await rig.FundAsync("ann", 1_000_000);
        await rig.StreamAsync("s", "bob");
        await disk.FillAsync();

        var booked = 0;
        RpcException? refused = null;
        while (refused is null)
        {
            try
            {
                Assert.Null((await rig.TipAsync("ann", "s", 1, ++booked)).Refusal);
            }
            catch (RpcException exception)
            {
                refused = exception;
                booked--;
            }

            Assert.InRange(booked, 0, 5_000);
        }

        Assert.Equal((StatusCode.Unavailable, "ledger_disk_full"), (refused.StatusCode, Fault.ReasonOf(refused)));
        Assert.Contains("full", rig.Writer.Trouble, StringComparison.Ordinal);
        // It answers what needs no disk, refuses again what does, and has what it acknowledged.
        Assert.Equal((1_000_000 - booked, booked), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
        Assert.Equal("ledger_disk_full", Fault.ReasonOf(await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 1, booked + 1))));

        disk.Free();
        Assert.Null((await rig.TipAsync("ann", "s", 1, booked + 1)).Refusal);
        Assert.Null(rig.Writer.Trouble);
        Assert.Equal((1_000_000 - booked - 1, booked + 1), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
        await rig.AssertSoundAsync();
        Assert.Empty(LedgerProof.Of(rig.Path).Problems);
    }

    [Fact]
    public async Task A_read_only_disk_keeps_the_ledger_from_starting_and_takes_nothing_from_it()
    {
        await using var disk = await SmallDisk.MountAsync();
        var rig = await LedgerRig.StartAsync(disk.Folder("ledger"));
        await rig.FundAsync("ann", 1_000);
        await rig.StopAsync();
        await disk.RemountAsync("ro");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => LedgerRig.StartAsync(rig.Directory));
        Assert.Contains("the folder is not writable", refused.Message, StringComparison.Ordinal);

        await disk.RemountAsync("rw");
        await using var after = await LedgerRig.StartAsync(rig.Directory);
        Assert.Equal(1_000, await after.BalanceAsync("ann"));
        await after.AssertSoundAsync();
    }

    [Fact]
    public async Task A_file_that_became_read_only_refuses_says_so_still_answers_and_heals_by_itself()
    {
        await using var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 1_000);
        await rig.StreamAsync("s", "bob");
        Assert.SkipUnless(OperatingSystem.IsLinux() && await RunAsync("chattr", "+i", rig.Path) is 0, "Needs Linux, the right to make a file immutable, and a file system that can.");
        try
        {
            // An open file stays writable, and SQLite keeps it for other connections of the process: none may be open when
            // the writer, after a group that failed, opens it anew.
            SqliteConnection.ClearAllPools();
            await Assert.ThrowsAsync<RpcException>(() => rig.DoAsync<int>(_ => throw new InvalidOperationException("the file is opened again")));
            Assert.Equal(1_000, await rig.BalanceAsync("ann"));
            var refused = await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 10, id: 1));
            Assert.Equal((StatusCode.Unavailable, "ledger_read_only"), (refused.StatusCode, Fault.ReasonOf(refused)));
            Assert.Equal(1_000, await rig.BalanceAsync("ann"));
        }
        finally
        {
            Assert.Equal(0, await RunAsync("chattr", "-i", rig.Path));
        }

        // The group that failed last threw the connection away.
        Assert.Equal("ledger_read_only", Fault.ReasonOf(await Assert.ThrowsAsync<RpcException>(() => rig.TipAsync("ann", "s", 10, id: 1))));
        Assert.Null((await rig.TipAsync("ann", "s", 10, id: 1)).Refusal);
        Assert.Equal((990, 10), (await rig.BalanceAsync("ann"), await rig.BalanceAsync("bob")));
        await rig.AssertSoundAsync();
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }

    private sealed class SmallDisk : IAsyncDisposable
    {
        private readonly string _path = LedgerRig.NewDirectory();

        private string Filler => Path.Combine(_path, "filler");

        public static async Task<SmallDisk> MountAsync()
        {
            var disk = new SmallDisk();
            if (!OperatingSystem.IsLinux() || await RunAsync("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk._path) is not 0)
            {
                System.IO.Directory.Delete(disk._path);
                Assert.Skip("Needs Linux and the right to mount a small file system: run as root.");
            }

            return disk;
        }

        public string Folder(string name) => Directory.CreateDirectory(Path.Combine(_path, name)).FullName;

        /// <summary>Takes all the room that is left.</summary>
        public async Task FillAsync()
        {
            await using var filler = new FileStream(Filler, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
            try
            {
                while (true)
                    await filler.WriteAsync(new byte[4096]);
            }
            catch (IOException)
            {
                // Full.
            }
        }

        public void Free() => File.Delete(Filler);

        public async Task RemountAsync(string how) => Assert.Equal(0, await RunAsync("mount", "-o", $"remount,{how}", _path));

        public async ValueTask DisposeAsync()
        {
            Assert.Equal(0, await RunAsync("umount", _path));
            Directory.Delete(_path);
        }
    }
}
