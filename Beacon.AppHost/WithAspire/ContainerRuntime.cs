using System.ComponentModel;
using System.Diagnostics;

namespace Beacon.AppHost;

/// <summary>Whether Redis and RabbitMQ can be started here.</summary>
internal static class ContainerRuntime
{
    /// <summary>Longer than a sleepy engine needs, shorter than a person waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>True when the runtime that Aspire would use is installed and its engine answers.</summary>
    public static bool Answers()
    {
        // Aspire reads the same variable; without it, it takes what it finds.
        var chosen = Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME");
        return string.IsNullOrEmpty(chosen) ? Answers("docker") || Answers("podman") : Answers(chosen);
    }

    private static bool Answers(string program)
    {
        // `info` asks the engine, where `--version` would only ask the command line tool.
        var start = new ProcessStartInfo(program, ["info"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            // Read, so that a full pipe does not stop it.
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.StandardInput.Close();
            if (process.WaitForExit(Patience))
                return process.ExitCode == 0;
            process.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // Not installed.
        }
    }
}
