using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Beacon.ServiceDefaults;

/// <summary>The one <c>AddMassTransit</c> of a process.</summary>
public static class Bus
{
    /// <summary>
    /// RabbitMQ when <c>ConnectionStrings:bus</c> is set; in memory when all four services are in this process; else a refusal,
    /// because facts that nobody hears would be lost in silence.
    /// </summary>
    /// <param name="consumers">The <c>AddXConsumers</c> of each hosted service. Endpoint names are explicit and start with the service's name.</param>
    public static void AddBus(this IHostApplicationBuilder builder, params Action<IBusRegistrationConfigurator>[] consumers)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(consumers);
        var broker = builder.Configuration.GetConnectionString("bus");
        if (string.IsNullOrEmpty(broker) && !builder.IsComposed())
        {
            var hosted = string.Join(", ", HostedServices.All.Where(builder.Hosts));
            throw new BusNotConfiguredException(
                $"This process hosts only {hosted}, and no broker is configured. Set ConnectionStrings:bus (amqp://…), or run Beacon.Server, which hosts all four services with an in-memory bus.");
        }

        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            foreach (var add in consumers)
                add(bus);
            if (string.IsNullOrEmpty(broker))
            {
                bus.UsingInMemory((context, transport) =>
                {
                    Retry(transport);
                    transport.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingRabbitMq((context, transport) =>
                {
                    transport.Host(new Uri(broker));
                    Retry(transport);
                    transport.ConfigureEndpoints(context);
                });
            }
        });

        // Bounded; what still fails goes to the endpoint's _error queue.
        static void Retry(IBusFactoryConfigurator transport) =>
            transport.UseMessageRetry(retry => retry.Intervals(50, 250, 1000));
    }
}

/// <summary>A process with fewer than four services and no broker.</summary>
public sealed class BusNotConfiguredException(string message) : InvalidOperationException(message);
