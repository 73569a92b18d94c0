using System.CommandLine;
using Beacon.Benchmarks;

var root = new RootCommand("Measures single parts of Beacon; one line of JSON on standard output, everything else on standard error.")
{
    TopologyVerb.Create(),
    LedgerVerb.Create(),
    SettleVerb.Create(),
    LedgerCrashVerb.Create(),
    LedgerProcessVerb.Create(),
    LedgerModelVerb.Create(),
    BankVerb.Create(),
    BankServer.Create(),
};
return await root.Parse(args).InvokeAsync();
