using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;

namespace Beacon.ServiceDefaults;

/// <summary>Settings below all others: files, environment and arguments override them.</summary>
public static class SettingDefaults
{
    private static readonly Dictionary<string, string?> Logging = new(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Information",
        // The frameworks tell each request and each step of their start at Information; that is for who debugs them.
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        ["Logging:LogLevel:Grpc"] = "Warning",
        ["Logging:LogLevel:MassTransit"] = "Warning",
        ["Logging:LogLevel:Yarp"] = "Warning",
        ["Logging:LogLevel:Orleans"] = "Warning",
        // It warns that its keys are not kept; nothing here is protected with them.
        ["Logging:LogLevel:Microsoft.AspNetCore.DataProtection"] = "Error",
        // Each look at a check that is not healthy; the log of a process says when its health changes.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "Critical",
        // Advice on the garbage collector, and a watchdog that takes a slow start for a hung one.
        ["Logging:LogLevel:Orleans.Runtime.Silo"] = "Error",
        ["Logging:LogLevel:Orleans.Runtime.Watchdog"] = "Error",
    };

    public static void AddSettingDefaults(this IHostApplicationBuilder builder, IDictionary<string, string?> settings)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource { InitialData = settings });
    }

    internal static void AddLoggingDefaults(this IHostApplicationBuilder builder) => builder.AddSettingDefaults(Logging);
}
