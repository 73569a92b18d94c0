namespace Beacon.Architecture.Tests;

/// <summary>What must be there for the rules that look at the whole.</summary>
internal static class Expected
{
    /// <summary>The services. Others are held to the same rules, but these must not be missing.</summary>
    public static readonly string[] Services = ["Signaling", "Topology", "Ledger", "Raids"];

    /// <summary>Fails when a service or one of these files is missing: a rule over the whole must see the whole.</summary>
    public static void Require(params string[] files)
    {
        var missing = Services.Except(Repository.Services, StringComparer.Ordinal).Concat(files.Where(file => !Repository.Has(file)));
        Assert.Equal([], missing);
    }
}

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
