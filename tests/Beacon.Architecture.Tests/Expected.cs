namespace Beacon.Architecture.Tests;

/// <summary>What must be there for the rules that look at the whole.</summary>
internal static class Expected
{
    /// <summary>The services. Others are held to the same rules, but these must not be missing.</summary>
    public static readonly string[] Services = ["Signaling", "Topology", "Ledger", "Raids"];

    /// <summary>True: what is missing fails. False: rules over the whole are skipped, saying what is missing, while parts are being built.</summary>
    public static bool Strict => false;

    /// <summary>Goes on only when all services and these files are there.</summary>
    public static void Require(params string[] files)
    {
        var missing = string.Join(", ", Services.Except(Repository.Services, StringComparer.Ordinal).Concat(files.Where(file => !Repository.Has(file))));
        if (Strict)
            Assert.True(missing.Length == 0, $"Missing: {missing}");
        Assert.SkipUnless(missing.Length == 0, $"Missing: {missing}");
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
