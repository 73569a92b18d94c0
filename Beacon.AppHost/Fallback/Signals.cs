using System.Runtime.InteropServices;

namespace Beacon.AppHost;

/// <summary>What .NET has no method for: asking another process to end in good order.</summary>
internal static partial class Signals
{
    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int processId, int signal);
}
