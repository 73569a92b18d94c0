namespace Beacon.Contracts.Tests;

/// <summary>The outcome of a rule.</summary>
internal static class Offences
{
    /// <summary>Fails with every offence on a line of its own.</summary>
    public static void None<T>(IEnumerable<T> offences)
    {
        var found = offences.Select(offence => offence?.ToString()).ToList();
        Assert.True(found.Count == 0, $"{found.Count} offences:\n{string.Join('\n', found)}");
    }
}
