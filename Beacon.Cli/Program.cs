using Beacon.Cli;
using Spectre.Console;

return await BeaconCommand.RunAsync(args, new Surroundings(AnsiConsole.Console, Console.Out, Environment.GetEnvironmentVariable, TimeProvider.System));
