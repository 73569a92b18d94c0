using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Beacon.ServiceDefaults;

/// <summary>What <c>/health</c> says besides the checks of the services.</summary>
internal static class Readiness
{
    /// <summary>The name under which MassTransit registers its own check.</summary>
    private const string Bus = "masstransit-bus";

    /// <summary>Not in-flight work alone: the host also stops the services in turn.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How often the checks are made without anybody asking, for the log and for those who watch the gRPC health service.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    public static void AddReadiness(this IHostApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks()
            .AddCheck("self", () => HealthCheckResult.Healthy(), ["live"])
            .AddCheck<Draining>("draining");
        builder.Services.AddSingleton<IHealthCheckPublisher, HealthLog>();
        builder.Services.Configure<HealthCheckPublisherOptions>(publisher => publisher.Period = LookEvery);
        builder.Services.AddSingleton<Draining>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Draining>());
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<EndpointsOptions>>((host, endpoints) =>
            host.ShutdownTimeout = StopTimeout + TimeSpan.FromSeconds(endpoints.Value.DrainSeconds));
        builder.Services.AddOptions<HealthCheckServiceOptions>().PostConfigure(checks =>
        {
            foreach (var check in checks.Registrations.Where(check => check.Name == Bus))
            {
                var (make, wasReady) = (check.Factory, new StrongBox<bool>());
                check.Factory = services => new OnceReady(make(services), wasReady);
            }
        });
    }

    /// <summary>
    /// What everybody needs, like the broker, must not take every replica from service at once when it goes away: much goes on without
    /// it. So it counts against a process only until it was there once.
    /// </summary>
    private sealed class OnceReady(IHealthCheck check, StrongBox<bool> wasReady) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var result = await check.CheckHealthAsync(context, cancellationToken);
            if (result.Status == HealthStatus.Healthy)
                wasReady.Value = true;
            return result.Status == HealthStatus.Unhealthy && wasReady.Value
                ? HealthCheckResult.Degraded(result.Description, result.Exception, result.Data)
                : result;
        }
    }

    /// <summary>Says when health changes. The framework says it with each look, and as a failure also where a process only starts or stops.</summary>
    private sealed class HealthLog(ILogger<HealthLog> log) : IHealthCheckPublisher
    {
        private string _last = "";

        public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
        {
            var reasons = string.Join("; ", report.Entries
                .Where(entry => entry.Value.Status != HealthStatus.Healthy)
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => $"{entry.Key}: {entry.Value.Description}"));
            if (reasons == _last)
                return Task.CompletedTask;
            _last = reasons;
            if (report.Status == HealthStatus.Healthy)
                Log.Healthy(log);
            else
                Log.NotHealthy(log, report.Status, reasons);
            return Task.CompletedTask;
        }
    }

    /// <summary>
    /// From the moment that the process is told to stop it is not ready, and it serves for <c>DrainSeconds</c> more, so that balancers
    /// and name servers send nobody here any more by the time that it stops listening.
    /// </summary>
    private sealed class Draining(IHostApplicationLifetime lifetime, IOptions<EndpointsOptions> options, TimeProvider clock, ILogger<Draining> log) : IHealthCheck, IHostedLifecycleService
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("the process stops") : HealthCheckResult.Healthy());

        public async Task StoppingAsync(CancellationToken cancellationToken)
        {
            if (options.Value.DrainSeconds == 0)
                return;
            Log.Draining(log, options.Value.DrainSeconds);
            await Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), clock, cancellationToken);
        }

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
