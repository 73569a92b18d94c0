using Microsoft.Extensions.Hosting;

namespace Beacon.ServiceDefaults;

/// <summary>Which of the four services this process hosts. Each service's <c>AddX</c> says so; the bus and the clients decide by it.</summary>
public static class HostedServices
{
    public const string Signaling = "signaling";
    public const string Topology = "topology";
    public const string Ledger = "ledger";
    public const string Raids = "raids";

    public static IReadOnlyList<string> All { get; } = [Signaling, Topology, Ledger, Raids];

    private static readonly object Key = new();

    /// <summary>Notes that this process hosts the service of this name.</summary>
    public static void HostService(this IHostApplicationBuilder builder, string name) => Names(builder).Add(name);

    /// <summary>True when this process hosts the service of this name.</summary>
    public static bool Hosts(this IHostApplicationBuilder builder, string name) => Names(builder).Contains(name);

    /// <summary>True when all four services run in this process.</summary>
    public static bool IsComposed(this IHostApplicationBuilder builder) => All.All(Names(builder).Contains);

    private static HashSet<string> Names(IHostApplicationBuilder builder)
    {
        if (builder.Properties.TryGetValue(Key, out var found))
            return (HashSet<string>)found;
        var names = new HashSet<string>(StringComparer.Ordinal);
        builder.Properties[Key] = names;
        return names;
    }
}
