using System.ComponentModel.DataAnnotations;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Beacon.ServiceDefaults;

/// <summary>How a process hears the bus (<c>Beacon:Bus</c>).</summary>
public sealed class BusOptions
{
    public const string Section = "Beacon:Bus";

    /// <summary>Messages that a queue hands to a process before it has dealt with the first of them: what the process holds in memory, and works on at once.</summary>
    [Range(1, 10_000)]
    public int PrefetchMessages { get; set; } = 64;
}

/// <summary>The one <c>AddMassTransit</c> of a process.</summary>
public static class Bus
{
    /// <summary>As often as it takes: a number, because not every RabbitMQ knows a word for it.</summary>
    public const int Deliveries = 1_000_000;

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

        builder.Services.AddOptions<BusOptions>().BindConfiguration(BusOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            foreach (var add in consumers)
                add(bus);
            bus.AddConfigureEndpointsCallback((_, endpoint) =>
            {
                if (endpoint is not IRabbitMqReceiveEndpointConfigurator rabbit)
                    return;
                // Replicated over the broker's nodes, so that the loss of one loses no message and stops nobody.
                rabbit.SetQuorumQueue();
                // A message goes back to its queue when the process that had it dies; after 20 times RabbitMQ would drop it.
                rabbit.SetQueueArgument("x-delivery-limit", Deliveries);
            });
            if (string.IsNullOrEmpty(broker))
            {
                bus.UsingInMemory((context, transport) =>
                {
                    Bound(context, transport);
                    transport.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingRabbitMq((context, transport) =>
                {
                    // A message counts as published when the broker has confirmed it.
                    transport.Host(new Uri(broker), host => host.PublisherConfirmation = true);
                    Bound(context, transport);
                    transport.ConfigureEndpoints(context);
                });
            }
        });

        static void Bound(IBusRegistrationContext context, IBusFactoryConfigurator transport)
        {
            transport.PrefetchCount = context.GetRequiredService<IOptions<BusOptions>>().Value.PrefetchMessages;
            // What still fails goes to the endpoint's _error queue.
            transport.UseMessageRetry(retry => retry.Intervals(50, 250, 1000));
        }
    }
}

/// <summary>A process with fewer than four services and no broker.</summary>
public sealed class BusNotConfiguredException(string message) : InvalidOperationException(message);
