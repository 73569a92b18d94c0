using System.CommandLine;
using System.Text.Json.Nodes;
using Beacon.Cli.Checks;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Looks at an installation from outside, and says what is wrong with it and what to do.</summary>
internal static class DoctorCommand
{
    public static Command Create(CommandMaker maker)
    {
        var redis = new Option<string?>("--redis") { Description = "The Redis of the installation, as in ConnectionStrings:redis; ConnectionStrings__redis." };
        var bus = new Option<string?>("--bus") { Description = "The RabbitMQ of the installation, amqp://…; ConnectionStrings__bus." };
        var turn = new Option<string[]>("--turn") { Description = "STUN and TURN servers, turn:host:port; with a token those that the installation names." };
        return maker.Create("doctor", "Checks ports, Redis, broker, clock and TURN of an installation.", [redis, bus, turn], async (run, parsed, cancellation) =>
        {
            var given = new Givens(
                parsed.GetValue(redis) ?? run.Environment("ConnectionStrings__redis"),
                parsed.GetValue(bus) ?? run.Environment("ConnectionStrings__bus"),
                parsed.GetValue(turn) ?? []);
            var findings = new List<Finding>();
            foreach (var check in Examination.Of(run, given))
            {
                var finding = await run.BusyAsync("looking", () => check(cancellation));
                findings.Add(finding);
                if (!run.IsJson)
                    Draw(run.Console, finding);
            }

            var isWell = findings.TrueForAll(finding => finding.Verdict != Verdict.Wrong);
            run.Show(
                () => new JsonObject { ["healthy"] = isWell, ["checks"] = new JsonArray([.. findings.Select(finding => finding.ToJson())]) },
                console => console.MarkupLine(isWell ? "[green]Nothing is wrong.[/]" : "[red]Something is wrong.[/]"));
            return isWell ? 0 : 1;
        });
    }

    private static void Draw(IAnsiConsole console, Finding finding)
    {
        var (mark, colour) = finding.Verdict switch
        {
            Verdict.Right => ("✓", "green"),
            Verdict.Skipped => ("-", "grey"),
            Verdict.Doubtful => ("!", "yellow"),
            _ => ("✗", "red"),
        };
        console.MarkupLine($"[{colour}]{mark}[/] [bold]{Markup.Escape(finding.Name)}[/] {Markup.Escape(finding.Text)}");
    }
}
