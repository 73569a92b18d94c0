using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Makes the commands: each is told where it runs, and its failures are told to people or programs.</summary>
internal sealed class CommandMaker(Surroundings surroundings, Option<Uri?> url, Option<bool> json)
{
    public Command Create(string name, string description, IEnumerable<Symbol> symbols, Func<CommandRun, ParseResult, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Arguments.Add(argument);
            else
                command.Options.Add((Option)symbol);
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            var isJson = parsed.GetValue(json);
            using var api = new Api(parsed.GetValue(url)!, surroundings.Environment);
            try
            {
                return await run(new CommandRun(surroundings, api, isJson), parsed, cancellation);
            }
            catch (RefusedException refused)
            {
                return Failed(isJson, refused.Reason, refused.Message, refused.IsRetryable);
            }
            catch (HttpRequestException exception)
            {
                return Failed(isJson, "unreachable", $"{api.Address} cannot be reached: {exception.Message}", isRetryable: true);
            }
        });
        return command;
    }

    private int Failed(bool isJson, string reason, string message, bool isRetryable)
    {
        if (isJson)
            surroundings.Json.WriteLine(new JsonObject { ["error"] = new JsonObject { ["reason"] = reason, ["message"] = message, ["retryable"] = isRetryable } }.ToJsonString());
        else
            surroundings.Console.MarkupLineInterpolated($"[red]{reason}[/] {message}{(isRetryable ? " It may succeed when it is repeated." : "")}");
        return 1;
    }
}
