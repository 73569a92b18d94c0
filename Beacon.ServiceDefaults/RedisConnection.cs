using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Beacon.ServiceDefaults;

/// <summary>The one Redis connection of a process: <c>ConnectionStrings:redis</c>, set by <c>Beacon.Server</c> to its embedded store.</summary>
public static class RedisConnection
{
    public static void AddRedis(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<IConnectionMultiplexer>(services => ConnectionMultiplexer.Connect(RedisSettings(services.GetRequiredService<IConfiguration>())));
        if (builder.Services.All(service => service.ServiceType != typeof(RedisHealth)))
        {
            builder.Services.AddSingleton<RedisHealth>();
            builder.Services.AddHealthChecks().AddCheck<RedisHealth>("redis");
            builder.Services.AddHostedService<WaitForRedis>();
        }
    }

    /// <summary>How every connection of a process to <c>ConnectionStrings:redis</c> behaves.</summary>
    public static ConfigurationOptions RedisSettings(IConfiguration configuration)
    {
        var text = configuration.GetConnectionString("redis");
        if (string.IsNullOrEmpty(text))
            throw new InvalidOperationException("ConnectionStrings:redis is not set: a service that runs on its own needs a Redis. Run Beacon.Server for the embedded one.");
        var options = ConfigurationOptions.Parse(text);
        // Start in any order: connect in the background, and again whenever the connection is lost.
        options.AbortOnConnectFail = false;
        // While Redis is away, work waits for it or goes on from memory: either way each second counts once it is back.
        options.ReconnectRetryPolicy = new LinearRetry(maxRetryElapsedTimeAllowedMilliseconds: 1_000);
        return options;
    }

    /// <summary>
    /// What the services do at their start needs Redis, so the process waits for it before any of them starts, and says so. Until
    /// then it listens nowhere: it is not ready, and nobody takes it for ready.
    /// </summary>
    private sealed class WaitForRedis(IConnectionMultiplexer redis, ILogger<WaitForRedis> log) : IHostedLifecycleService
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
        private const int LooksPerNotice = 100;

        public async Task StartingAsync(CancellationToken cancellationToken)
        {
            using var tick = new PeriodicTimer(Look);
            for (var looks = 0; !redis.IsConnected; looks++)
            {
                if (looks % LooksPerNotice == 0)
                    Log.WaitingForRedis(log, string.Join(", ", redis.GetEndPoints().Select(endpoint => endpoint.ToString())));
                await tick.WaitForNextTickAsync(cancellationToken);
            }
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
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
