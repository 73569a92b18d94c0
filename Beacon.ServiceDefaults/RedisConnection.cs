using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Beacon.ServiceDefaults;

/// <summary>The one Redis connection of a process: <c>ConnectionStrings:redis</c>, set by <c>Beacon.Server</c> to its embedded store.</summary>
public static class RedisConnection
{
    public static void AddRedis(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<IConnectionMultiplexer>(services =>
        {
            var text = services.GetRequiredService<IConfiguration>().GetConnectionString("redis");
            if (string.IsNullOrEmpty(text))
                throw new InvalidOperationException("ConnectionStrings:redis is not set: a service that runs on its own needs a Redis. Run Beacon.Server for the embedded one.");
            var options = ConfigurationOptions.Parse(text);
            // Start in any order: connect in the background, readiness tells when.
            options.AbortOnConnectFail = false;
            return ConnectionMultiplexer.Connect(options);
        });
        if (builder.Services.All(service => service.ServiceType != typeof(RedisHealth)))
        {
            builder.Services.AddSingleton<RedisHealth>();
            builder.Services.AddHealthChecks().AddCheck<RedisHealth>("redis");
        }
    }

    private sealed class RedisHealth(IConnectionMultiplexer redis) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(redis.IsConnected ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("not connected"));
    }
}
