using System.Diagnostics;

namespace Beacon.Deploy.Tests;

/// <summary>What a program that has ended said.</summary>
public sealed record ProgramRun(int Code, string Text, string Error)
{
    /// <summary>Null when there is no such program.</summary>
    public static async Task<ProgramRun?> OfAsync(string program, IEnumerable<string> arguments, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? Path.GetTempPath() };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            var text = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return new ProgramRun(process.ExitCode, await text, await error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>The output of a program that must succeed.</summary>
    public static async Task<string> MustAsync(string program, IEnumerable<string> arguments, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var given = arguments.ToList();
        var run = await OfAsync(program, given, directory, environment) ?? throw new InvalidOperationException($"There is no {program}.");
        return run.Code == 0 ? run.Text : throw new InvalidOperationException($"{program} {string.Join(' ', given)} ended with {run.Code}:\n{run.Text}\n{run.Error}");
    }
}
