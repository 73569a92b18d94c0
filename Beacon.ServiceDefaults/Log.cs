using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Beacon.ServiceDefaults;

/// <summary>Log messages of what every process shares: 9000 to 9099.</summary>
internal static partial class Log
{
    [LoggerMessage(9001, LogLevel.Warning, "{Method} failed because a service behind it cannot be reached")]
    public static partial void ServiceBehindUnavailable(ILogger logger, string method, Exception exception);

    [LoggerMessage(9002, LogLevel.Warning, "Waiting for Redis at {Endpoints}")]
    public static partial void WaitingForRedis(ILogger logger, string endpoints);

    [LoggerMessage(9003, LogLevel.Information, "Told to stop: not ready any more, and serving for {Seconds} s more")]
    public static partial void Draining(ILogger logger, int seconds);

    [LoggerMessage(9004, LogLevel.Information, "Healthy")]
    public static partial void Healthy(ILogger logger);

    [LoggerMessage(9005, LogLevel.Warning, "{Status}: {Reasons}")]
    public static partial void NotHealthy(ILogger logger, HealthStatus status, string reasons);
}
