using System.Globalization;

namespace Beacon.Swarm;

/// <summary>How many files and sockets this process may have open.</summary>
internal static class OpenFiles
{
    /// <summary>Without a limit the largest number there is.</summary>
    public static long Most { get; } = Read();

    private static long Read()
    {
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var limit = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var most) ? most : long.MaxValue;
    }
}
