using System.CommandLine;
using System.Text.Json.Nodes;

namespace Beacon.Benchmarks;

/// <summary>What one may measure: a name, its options, and a run that ends with one line of JSON on standard output.</summary>
internal static class Verb
{
    public static Command Create(string name, string description, IReadOnlyList<Option> options, Func<ParseResult, TextWriter, CancellationToken, Task<JsonObject>> run)
    {
        // The report is JSON in any case; the option is there because people ask for it.
        var command = new Command(name, description) { new Option<bool>("--json") { Description = "Nothing but the report on standard output (always so)." } };
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var report = await run(parsed, Console.Error, cancellationToken);
            await Console.Out.WriteLineAsync(report.ToJsonString());
            return 0;
        });
        return command;
    }

    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, int otherwise, int least, int most, string description)
    {
        var option = new Option<int>(name) { Description = $"{description} ({least} to {most})", DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var value && (value < least || value > most))
                result.AddError($"'{name}' is {value}, and goes from {least} to {most}.");
        });
        return option;
    }
}
