using System.CommandLine;
using Beacon.Swarm;
using Beacon.Swarm.Chaos;

var root = new RootCommand("Many synthetic peers against a running stack; one line of JSON on standard output, everything else on standard error.")
{
    Live.Command(),
    Fuzz.Command(),
    Idle.Command(),
    RaidVerb.Command(),
    Media.Command(),
    ChaosVerb.Command(),
};
return await root.Parse(args).InvokeAsync();
