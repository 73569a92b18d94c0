namespace Beacon.Testing;

/// <summary>What the console of a service shows.</summary>
public static class ConsoleLog
{
    /// <summary>A stack trace says no more to a reader of test results.</summary>
    private const int LinesOfMessage = 3;

    /// <summary>What was logged as an error or worse, each with the beginning of its message.</summary>
    public static IReadOnlyList<string> Failures(string output)
    {
        var lines = output.Split('\n');
        return [.. lines.Index()
            .Where(line => line.Item.StartsWith("fail:", StringComparison.Ordinal) || line.Item.StartsWith("crit:", StringComparison.Ordinal))
            .Select(line => string.Join(' ', lines.Skip(line.Index + 1)
                .TakeWhile(next => next.StartsWith(' '))
                .Take(LinesOfMessage)
                .Prepend(line.Item)
                .Select(part => part.Trim())))];
    }
}
