using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using Beacon.Contracts.Ledger.V1;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Journal.Postgres;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>The ledger's proof, its copies, and the way back from one.</summary>
internal static class LedgerCommands
{
    public static Command Create(CommandMaker maker) => new("ledger", "Proves, copies, restores and moves the ledger.") { Verify(maker), Backup(maker), Restore(maker), Move(maker), Totals(maker) };

    private static Command Verify(CommandMaker maker)
    {
        var ledger = new Argument<string>("ledger") { Description = "The file, running or not, or the connection string of a PostgreSQL database." };
        return maker.Create("verify", "Replays a ledger: no gap, every balance is what the journal adds up to, the hash chain is intact, the sum is zero.", [ledger], async (run, parsed, _) =>
        {
            var of = parsed.GetValue(ledger)!;
            var proof = await ProgressAsync(run, "replaying the journal", progress => LedgerProof.Of(of, progress));
            run.Show(() => proof.ToJson(of), console => Draw(console, proof));
            return proof.IsSound ? 0 : 1;
        });
    }

    private static Command Backup(CommandMaker maker) => maker.Create("backup", "Makes the running ledger copy itself, and prove the copy.", [], async (run, _, cancellation) =>
    {
        var made = await run.BusyAsync("copying and proving", () => run.Api.CallAsync<CreateBackupResponse>(HttpMethod.Post, "/api/operator/backups", new { }, cancellation));
        return run.Show(made, console => console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[bold]{made.Name}[/] {made.Bytes:N0} bytes, {made.Accounts:N0} accounts, {made.Transfers:N0} transfers\nhead {made.Head}: note it somewhere else, it stands for the whole journal."));
    });

    private static Command Restore(CommandMaker maker)
    {
        var backup = new Argument<string>("backup") { Description = "The backup's file." };
        var ledger = new Argument<string>("ledger") { Description = "The file of the ledger, whose service is stopped. It is moved aside, not deleted." };
        return maker.Create("restore", "Proves a backup and puts it in the place of a ledger.", [backup, ledger], async (run, parsed, _) =>
        {
            try
            {
                var restored = await ProgressAsync(run, "proving and copying", progress =>
                    Ledger.Journal.Restore.Run(parsed.GetValue(backup)!, Path.GetFullPath(parsed.GetValue(ledger)!), run.Clock.GetUtcNow(), progress));
                return run.Show(
                    () =>
                    {
                        var report = restored.Proof.ToJson(parsed.GetValue(ledger)!);
                        report["former"] = restored.FormerPath;
                        return report;
                    },
                    console =>
                    {
                        Draw(console, restored.Proof);
                        if (restored.FormerPath is { } former)
                            console.MarkupLineInterpolated($"The former ledger is {former}.");
                    });
            }
            catch (RestoreRefusedException refused)
            {
                throw new RefusedException(refused.Reason, refused.Message, isRetryable: false);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new RefusedException("restore_failed", exception.Message, isRetryable: false);
            }
        });
    }

    private static Command Move(CommandMaker maker)
    {
        var ledger = new Argument<string>("ledger") { Description = "The file of the ledger, whose service is stopped. It stays as it is." };
        var database = new Argument<string>("database") { Description = "The connection string of an empty PostgreSQL database." };
        return maker.Create("move", "Moves a ledger from a file to PostgreSQL, and proves that both have the same head.", [ledger, database], async (run, parsed, _) =>
        {
            var to = parsed.GetValue(database)!;
            try
            {
                var proof = await ProgressAsync(run, "copying and proving", progress => LedgerMove.Run(Path.GetFullPath(parsed.GetValue(ledger)!), to, progress));
                return run.Show(() => proof.ToJson(to), console => Draw(console, proof));
            }
            catch (MoveRefusedException refused)
            {
                throw new RefusedException(refused.Reason, refused.Message, isRetryable: false);
            }
            catch (Exception exception) when (exception is DbException or IOException or UnauthorizedAccessException)
            {
                throw new RefusedException("move_failed", exception.Message, isRetryable: false);
            }
        });
    }

    private static Command Totals(CommandMaker maker) => maker.Create("totals", "All balances, added up by kind of account, of one instant.", [], async (run, _, cancellation) =>
    {
        var totals = await run.Api.CallAsync<GetTotalsResponse>(HttpMethod.Get, "/api/operator/totals", null, cancellation);
        run.Show(totals, console =>
        {
            var table = CommandRun.Table("kind", "#accounts", "#credits");
            foreach (var kind in totals.Kinds)
                CommandRun.AddRow(table, $"{kind.Kind}", kind.Accounts.ToString("N0", CultureInfo.InvariantCulture), CommandRun.Credits(kind.BalanceMicrocredits));
            CommandRun.AddRow(table, "sum", "", CommandRun.Credits(totals.SumMicrocredits));
            console.Write(table);
        });
        return totals.SumMicrocredits == 0 ? 0 : 1;
    });

    /// <summary>On a thread of its own, for as long as it takes.</summary>
    private static Task<T> ProgressAsync<T>(CommandRun run, string what, Func<IProgress<double>?, T> work) =>
        run.ProgressAsync(what, progress => Task.Factory.StartNew(() => work(progress), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    private static void Draw(IAnsiConsole console, LedgerProof proof)
    {
        console.MarkupLine(proof.IsSound ? "[green]sound[/]" : "[red]not sound[/]");
        var table = CommandRun.Table("", "#");
        CommandRun.AddRow(table, "accounts", proof.Accounts.ToString("N0", CultureInfo.InvariantCulture));
        CommandRun.AddRow(table, "transfers", proof.Transfers.ToString("N0", CultureInfo.InvariantCulture));
        CommandRun.AddRow(table, "sum of all balances", proof.Sum.ToString(CultureInfo.InvariantCulture));
        CommandRun.AddRow(table, "accounts that do not match", $"{proof.MismatchedAccounts}");
        CommandRun.AddRow(table, "chain", proof.ChainIntact ? "intact" : "broken");
        console.Write(table);
        console.MarkupLineInterpolated($"[grey]head {proof.Head}[/]");
        foreach (var problem in proof.Problems)
            console.MarkupLineInterpolated($"[red]{problem}[/]");
        if (proof.ProblemCount > proof.Problems.Count)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]and {proof.ProblemCount - proof.Problems.Count} more[/]");
    }
}
