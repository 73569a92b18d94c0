using MassTransit;

namespace Beacon.Signaling.Bus;

/// <summary>An endpoint of this replica, gone with it. It works on one message at a time.</summary>
internal abstract class ReplicaConsumerDefinition<TConsumer> : ConsumerDefinition<TConsumer>
    where TConsumer : class, IConsumer
{
    private readonly int _prefetch;

    /// <param name="prefetch">Messages that it fetches before they are acknowledged. By itself MassTransit would fetch as many as it works on.</param>
    protected ReplicaConsumerDefinition(string name, int prefetch)
    {
        _prefetch = prefetch;
        EndpointName = name;
        ConcurrentMessageLimit = 1;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<TConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = _prefetch;
        // Long enough for the broker's own restart; after that the replica is gone, and its queue with it.
        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator rabbit)
            rabbit.QueueExpiration = TimeSpan.FromMinutes(5);
        // What this replica could not tell its peers is of no use to anybody later, and nobody would ever empty its queue of errors.
        endpointConfigurator.DiscardFaultedMessages();
        endpointConfigurator.DiscardSkippedMessages();
    }
}
