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
            // While Redis is away, work waits for it or goes on from memory: either way each second counts once it is back.
            options.ReconnectRetryPolicy = new LinearRetry(maxRetryElapsedTimeAllowedMilliseconds: 1_000);
            return ConnectionMultiplexer.Connect(options);
        });
        if (builder.Services.All(service => service.ServiceType != typeof(RedisHealth)))
        {
            builder.Services.AddSingleton<RedisHealth>();
            builder.Services.AddHealthChecks().AddCheck<RedisHealth>("redis");
        }
    }

    /// <summary>Not ready before the first connection. After that, a Redis that is away must not take every replica from service at once: much goes on without it.</summary>
    private sealed class RedisHealth(IConnectionMultiplexer redis) : IHealthCheck
    {
        private volatile bool _wasConnected;

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (redis.IsConnected)
            {
                _wasConnected = true;
                return Task.FromResult(HealthCheckResult.Healthy());
            }

            return Task.FromResult(_wasConnected ? HealthCheckResult.Degraded("the connection is lost") : HealthCheckResult.Unhealthy("not connected"));
        }
    }
}
