using System.Reflection;

namespace Beacon.Testing;

/// <summary>Where the built projects are.</summary>
public static class Repository
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>The assembly that a project builds, in the configuration that the tests were built in.</summary>
    public static string AssemblyOf(string projectFolder, string assemblyName) =>
        Path.Combine(Root, projectFolder, "bin", Metadata("Configuration"), "net10.0", $"{assemblyName}.dll");

    private static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
