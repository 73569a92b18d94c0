using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Tests;

public sealed class CrashTests
{
    /// <summary>The command that is documented, as its own process: it starts and kills processes of the production writer.</summary>
    [Fact]
    public async Task Fifty_kills_under_load_lose_and_double_nothing()
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [typeof(Beacon.Benchmarks.Verb).Assembly.Location, "ledger-crash", "--kills", "50", "--seed", "20260301", "--json"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
            },
        };
        process.Start();
        var report = JsonNode.Parse(await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken))!.AsObject();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToJsonString());
        Assert.Equal(
            (50, 0, 0, 0, 0, true),
            ((int)report["kills"]!, (int)report["lost"]!, (int)report["doubled"]!, (long)report["sum"]!, (int)report["mismatched_accounts"]!, (bool)report["chain_ok"]!));
        // The kills came while work was under way, and some between a commit and its answer; else this showed nothing.
        Assert.True((int)report["acked"]! > 5_000 && (int)report["sent_again"]! > 500, report.ToJsonString());
        Assert.True((int)report["booked_but_unanswered"]! > 0, report.ToJsonString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_torn_log_is_an_earlier_committed_state_and_nothing_else(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var first = await LedgerRig.StartAsync();
        await first.FundAsync("ann", 10_000);
        await first.StreamAsync("s", "bob");
        // A clean stop brings the log into the file; what follows is in the log alone.
        await using var rig = await first.RestartAsync();
        for (var i = 1; i <= 40; i++)
            Assert.Null((await rig.TipAsync("ann", "s", random.Next(1, 50), i)).Refusal);
        var heads = await HeadsAsync(rig);
        var log = await File.ReadAllBytesAsync(rig.Path + "-wal", TestContext.Current.CancellationToken);
        var reached = new HashSet<long>();
        for (var round = 0; round < 40; round++)
        {
            var torn = (byte[])log.Clone();
            var at = random.Next(torn.Length);
            if (round % 2 == 0)
                torn = torn[..at];
            else
                torn[at] ^= (byte)(1 << random.Next(8));
            var directory = LedgerRig.NewDirectory();
            var path = Path.Combine(directory, "ledger.db");
            File.Copy(rig.Path, path);
            await File.WriteAllBytesAsync(path + "-wal", torn, TestContext.Current.CancellationToken);

            var proof = LedgerProof.Of(path);
            Assert.Empty(proof.Problems);
            Assert.Equal(heads[proof.Links], proof.Head);
            reached.Add(proof.Links);
            Directory.Delete(directory, recursive: true);
        }

        Assert.True(reached.Count > 5, $"only {reached.Count} states were seen");
        // What was lost with the end of the log is booked when it is asked again, once.
        var last = LedgerRig.NewDirectory();
        File.Copy(rig.Path, Path.Combine(last, "ledger.db"));
        await File.WriteAllBytesAsync(Path.Combine(last, "ledger.db-wal"), log[..(log.Length / 2)], TestContext.Current.CancellationToken);
        await using var after = await LedgerRig.StartAsync(last);
        var again = new Random(seed);
        for (var i = 1; i <= 40; i++)
            Assert.Null((await after.TipAsync("ann", "s", again.Next(1, 50), i)).Refusal);
        Assert.Equal(await rig.BalanceAsync("ann"), await after.BalanceAsync("ann"));
        await after.AssertSoundAsync();
    }

    [Fact]
    public async Task A_flipped_bit_in_the_file_is_found_or_touches_no_row_of_the_journal()
    {
        const int Seed = 11;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var rig = await LedgerRig.StartAsync();
        await rig.FundAsync("ann", 10_000);
        await rig.StreamAsync("s", "bob");
        for (var i = 1; i <= 200; i++)
            Assert.Null((await rig.TipAsync("ann", "s", 1, i)).Refusal);
        await rig.StopAsync();
        var whole = LedgerProof.Of(rig.Path);
        Assert.Empty(whole.Problems);
        var bytes = await File.ReadAllBytesAsync(rig.Path, TestContext.Current.CancellationToken);
        var found = 0;
        for (var round = 0; round < 300; round++)
        {
            var flipped = (byte[])bytes.Clone();
            flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
            var directory = LedgerRig.NewDirectory();
            var path = Path.Combine(directory, "ledger.db");
            await File.WriteAllBytesAsync(path, flipped, TestContext.Current.CancellationToken);
            var proof = LedgerProof.Of(path);
            if (proof.IsSound)
                Assert.Equal((whole.Head, whole.Transfers, whole.Accounts), (proof.Head, proof.Transfers, proof.Accounts));
            else
                found++;
            Directory.Delete(directory, recursive: true);
        }

        Assert.InRange(found, 50, 300);
        Directory.Delete(rig.Directory, recursive: true);
    }

    /// <summary>The head after each link, from the file that lost nothing.</summary>
    private static async Task<Dictionary<long, string>> HeadsAsync(LedgerRig rig)
    {
        var heads = new Dictionary<long, string> { [0] = Convert.ToHexStringLower(ChainHash.Genesis) };
        await using var database = await rig.Databases.CreateDbContextAsync();
        foreach (var link in database.Chain)
            heads[link.Link] = Convert.ToHexStringLower(link.Hash);
        return heads;
    }
}
