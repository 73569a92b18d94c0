using System.Text.Json;
using Spectre.Console;

namespace Beacon.Cli.Tests;

/// <summary>What a command said, and how it ended.</summary>
internal sealed record Outcome(int ExitCode, string Text, string Json)
{
    public JsonElement Document => JsonDocument.Parse(Json).RootElement;

    public string Reason => Document.GetProperty("error").GetProperty("reason").GetString()!;
}

/// <summary>Runs <c>beacon</c> in this process, as from a terminal without colours.</summary>
internal sealed record Terminal(Uri Server, string? Token = null, string? OperatorKey = null)
{
    /// <summary>Somebody sits there.</summary>
    public bool IsInteractive { get; init; }

    public async Task<Outcome> RunAsync(params string[] arguments)
    {
        using var text = new StringWriter();
        using var json = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            // A bar is drawn where the cursor can go back.
            Ansi = IsInteractive ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = IsInteractive ? InteractionSupport.Yes : InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = 300;
        var exitCode = await BeaconCommand.RunAsync(arguments, new Surroundings(console, json, Variable, TimeProvider.System), TestContext.Current.CancellationToken);
        return new Outcome(exitCode, text.ToString(), json.ToString());
    }

    private string? Variable(string name) => name switch
    {
        "BEACON_URL" => Server.ToString(),
        "BEACON_TOKEN" => Token,
        "BEACON_OPERATOR_KEY" => OperatorKey,
        _ => null,
    };
}
