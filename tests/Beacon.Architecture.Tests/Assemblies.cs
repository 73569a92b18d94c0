using System.Reflection;
using Beacon.ServiceDefaults;
using Mono.Cecil;

namespace Beacon.Architecture.Tests;

/// <summary>The assemblies beside these tests.</summary>
internal static class Assemblies
{
    public static Assembly Load(string service) => Assembly.Load($"Beacon.{service}");

    public static AssemblyDefinition Read(string service) => AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, $"Beacon.{service}.dll"));

    /// <summary>Every assembly of ours that has options, errors or RPCs.</summary>
    public static IEnumerable<Assembly> All() => Repository.Services.Select(Load).Prepend(typeof(Fault).Assembly);
}
