using MassTransit;

namespace Beacon.Signaling.Bus;

/// <summary>What the endpoints of a single replica have in common.</summary>
internal static class ReplicaEndpoint
{
    public static void GoesWithItsReplica(this IReceiveEndpointConfigurator endpoint)
    {
        // Long enough for the broker's own restart; after that the replica is gone, and its queue with it.
        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
            rabbit.QueueExpiration = TimeSpan.FromMinutes(5);
        // What this replica could not tell its peers is of no use to anybody later, and nobody would ever empty its queue of errors.
        endpoint.DiscardFaultedMessages();
        endpoint.DiscardSkippedMessages();
    }
}
