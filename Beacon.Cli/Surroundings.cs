using Spectre.Console;

namespace Beacon.Cli;

/// <summary>What a command is run in.</summary>
/// <param name="Console">For people.</param>
/// <param name="Json">For programs: one document a run, and nothing else.</param>
/// <param name="Environment">The value of a variable, or null.</param>
internal sealed record Surroundings(IAnsiConsole Console, TextWriter Json, Func<string, string?> Environment, TimeProvider Clock);
