using System.CommandLine;
using Beacon.Benchmarks;

var root = new RootCommand("Measures single parts of Beacon; one line of JSON on standard output, everything else on standard error.");
root.Subcommands.Add(LedgerModelVerb.Create());
root.Subcommands.Add(BankVerb.Create());
root.Subcommands.Add(BankServer.Create());
return await root.Parse(args).InvokeAsync();
