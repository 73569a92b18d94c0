using System.CommandLine;

var root = new RootCommand("Measures single parts of Beacon; one line of JSON on standard output, everything else on standard error.");
return await root.Parse(args).InvokeAsync();
