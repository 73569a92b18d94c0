using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Beacon.AppHost;

// What `dotnet run --project Beacon.AppHost` does where the NuGet sources have no Aspire: the same product in one process, without the dashboard.
Console.WriteLine("No dashboard: it needs Aspire, which this build did not find on the NuGet sources. Running Beacon.Server (docs/adr/0006-aspire-is-optional.md).");

var names = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>()
    .ToDictionary(name => name.Key, name => name.Value ?? "", StringComparer.Ordinal);
// The host of the runtime that runs this, wherever it is installed: <root>/shared/Microsoft.NETCore.App/<version>/.
var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
var start = new ProcessStartInfo(dotnet, ["exec", names["Beacon.Server.Assembly"], .. args])
{
    // The content root: its data directory is found there again, from wherever the command was given.
    WorkingDirectory = names["Beacon.Server.Directory"],
};
// `dotnet run` sets it to the dashboard's address, from the launch profile; the server has its own (Beacon:Endpoints).
start.Environment.Remove("ASPNETCORE_URLS");

using var server = new Process { StartInfo = start };
var stopping = false;
var gate = new Lock();
// Registered before the start, so that no signal can fall between and leave the server behind.
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onQuit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Stop);
using var onHangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
lock (gate)
{
    if (stopping)
        return 0;
    server.Start();
}

await server.WaitForExitAsync();
return server.ExitCode;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    lock (gate)
    {
        stopping = true;
        // On Windows the console tells every process of it. On Unix a signal may be for this process alone, and a second one does no harm.
        if (!OperatingSystem.IsWindows() && IsRunning(server))
            _ = Signals.Kill(server.Id, Signals.Terminate);
    }
}

static bool IsRunning(Process process)
{
    try
    {
        return !process.HasExited;
    }
    catch (InvalidOperationException)
    {
        return false; // Not started yet.
    }
}
