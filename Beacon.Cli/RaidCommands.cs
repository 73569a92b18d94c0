using System.CommandLine;
using Beacon.Contracts.Raids.V1;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Raids: those that were, a new one, and the end of one that counts down. Only a stream's broadcaster raids.</summary>
internal static class RaidCommands
{
    private static readonly Argument<string> RaidId = new("raid") { Description = "The raid's id." };

    public static Command Create(CommandMaker maker) => new("raid", "Shows, starts and cancels raids.") { List(maker), Show(maker), Start(maker), Cancel(maker) };

    private static Command List(CommandMaker maker)
    {
        var channel = new Argument<string>("channel") { Description = "The channel that raided or was raided." };
        return maker.Create("list", "The latest raids of a channel, newest first.", [channel], async (run, parsed, cancellation) =>
        {
            var found = await run.Api.AskAsync<ListRaidsResponse>($"/api/raids?channel={Uri.EscapeDataString(parsed.GetValue(channel)!)}", cancellation);
            return run.Show(found, console => Draw(console, found.Raids));
        });
    }

    private static Command Show(CommandMaker maker) => maker.Create("show", "One raid.", [RaidId], async (run, parsed, cancellation) =>
    {
        var found = await run.Api.AskAsync<GetRaidResponse>($"/api/raids/{Uri.EscapeDataString(parsed.GetValue(RaidId)!)}", cancellation);
        return run.Show(found, console => Draw(console, [found.Raid]));
    });

    private static Command Start(CommandMaker maker)
    {
        var from = new Argument<string>("from") { Description = "The stream whose audience moves; the caller's own." };
        var target = new Argument<string?>("target") { Description = "Where it goes; drawn at random without one.", Arity = ArgumentArity.ZeroOrOne };
        var countdown = new Option<uint?>("--countdown") { Description = "Seconds until it moves, 0 to 300; without one as configured." };
        return maker.Create("start", "Announces a raid.", [from, target, countdown], async (run, parsed, cancellation) =>
        {
            var started = await run.Api.CallAsync<StartRaidResponse>(
                HttpMethod.Post,
                "/api/raids",
                new { fromStreamId = parsed.GetValue(from), targetStreamId = parsed.GetValue(target) ?? "", countdownSeconds = parsed.GetValue(countdown) },
                cancellation);
            return run.Show(started, console => Draw(console, [started.Raid]));
        });
    }

    private static Command Cancel(CommandMaker maker) => maker.Create("cancel", "Calls a raid off while it counts down.", [RaidId], async (run, parsed, cancellation) =>
    {
        var cancelled = await run.Api.CallAsync<CancelRaidResponse>(HttpMethod.Delete, $"/api/raids/{Uri.EscapeDataString(parsed.GetValue(RaidId)!)}", null, cancellation);
        return run.Show(cancelled, console => Draw(console, [cancelled.Raid]));
    });

    private static void Draw(IAnsiConsole console, IReadOnlyList<RaidSummary> raids)
    {
        var table = CommandRun.Table("raid", "from", "to", "#viewers", "#declined", "phase", "moves at");
        foreach (var raid in raids)
        {
            CommandRun.AddRow(
                table, raid.RaidId, raid.FromChannel, string.Join(", ", raid.Targets.Select(target => target.Channel)), $"{raid.Viewers}", $"{raid.Declined}",
                raid.Reason.Length == 0 ? $"{raid.Phase}" : $"{raid.Phase}: {raid.Reason}", CommandRun.Time(raid.MovesAt));
        }

        console.Write(table);
    }
}
