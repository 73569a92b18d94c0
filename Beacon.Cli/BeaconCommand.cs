using System.CommandLine;
using System.CommandLine.Parsing;

namespace Beacon.Cli;

/// <summary><c>beacon</c>: what an operator does from a terminal, over the REST surface that everybody has.</summary>
internal static class BeaconCommand
{
    public const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>Exit codes: 0 done; 1 refused, failed or not sound; 2 asked wrongly.</summary>
    public static async Task<int> RunAsync(string[] arguments, Surroundings surroundings, CancellationToken cancellation = default)
    {
        var parsed = Create(surroundings).Parse(arguments);
        var exitCode = await parsed.InvokeAsync(new InvocationConfiguration { Output = surroundings.Json, Error = surroundings.Console.Profile.Out.Writer }, cancellation);
        return parsed.Errors.Count > 0 ? 2 : exitCode;
    }

    private static Uri? Address(ArgumentResult result, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps))
            return address;
        result.AddError($"'{text}' is no address such as {DefaultUrl}.");
        return null;
    }

    private static RootCommand Create(Surroundings surroundings)
    {
        var url = new Option<Uri?>("--url")
        {
            Description = $"Where Beacon is reached; BEACON_URL, else {DefaultUrl}.",
            DefaultValueFactory = result => Address(result, surroundings.Environment("BEACON_URL") ?? DefaultUrl),
            CustomParser = result => Address(result, result.Tokens[0].Value),
            Recursive = true,
        };
        var json = new Option<bool>("--json") { Description = "One JSON document on standard output instead of a picture.", Recursive = true };
        var maker = new CommandMaker(surroundings, url, json);
        return new RootCommand("""
            What an operator of Beacon does from a terminal.
            What needs a token takes it from BEACON_TOKEN, or signs in with the key in BEACON_OPERATOR_KEY: never from the command line, which others can read.
            """)
        {
            url,
            json,
            StreamCommands.Streams(maker),
            StreamCommands.Tree(maker),
            StreamCommands.Explain(maker),
            WalletCommand.Create(maker),
            LedgerCommands.Create(maker),
            RaidCommands.Create(maker),
            BusCommands.Create(maker),
            DrainCommand.Create(maker),
            DoctorCommand.Create(maker),
        };
    }
}
