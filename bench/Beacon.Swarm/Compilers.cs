using System.Globalization;

namespace Beacon.Swarm;

/// <summary>
/// What processes spend on compiling their methods better in the background, which .NET does in a thread of its own: a server that still does is
/// not what its users have.
/// </summary>
internal sealed class Compilers(IReadOnlyList<int> pids)
{
    /// <summary>As Linux cuts the name off.</summary>
    private const string ThreadName = "(.NET Tiered Com)";

    private const double TicksPerSecond = 100;

    /// <summary>By thread: it ends when it has nothing to do, and another one begins later.</summary>
    private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);

    /// <summary>All that was seen so far, each time that this was asked.</summary>
    public TimeSpan ProcessorTime()
    {
        foreach (var pid in pids)
        {
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/task"))
                Note(thread);
        }

        return TimeSpan.FromSeconds(_seconds.Values.Sum());
    }

    private void Note(string thread)
    {
        string stat;
        try
        {
            stat = File.ReadAllText(Path.Combine(thread, "stat"));
        }
        catch (IOException)
        {
            // It has ended since it was listed.
            return;
        }

        if (!stat.Contains(ThreadName, StringComparison.Ordinal))
            return;
        // Behind the name, which may have blanks: the state, ten numbers, user time, system time.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        _seconds[thread] = (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
