using System.CommandLine;
using System.Text.Json.Nodes;
using Beacon.Contracts.Events;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Messages that a service could not deal with: how many wait, and back they go. Straight to the broker, which has them.</summary>
internal static class BusCommands
{
    private const ushort NotFound = 404;

    public static Command Create(CommandMaker maker) => new("bus", "Shows the messages that services could not deal with, and brings them back.") { Errors(maker), Replay(maker) };

    private static Command Errors(CommandMaker maker) => maker.Create("errors", "How many messages wait in the queues of errors.", [], async (run, _, cancellation) =>
    {
        await using var connection = await ConnectAsync(run, cancellation);
        var waiting = new List<(string Endpoint, uint Messages)>();
        foreach (var endpoint in BusEndpoints.All)
            waiting.Add((endpoint, await CountAsync(connection, BusEndpoints.Errors(endpoint), cancellation) ?? 0));
        run.Show(
            () => new JsonObject { ["endpoints"] = new JsonArray([.. waiting.Select(queue => new JsonObject { ["endpoint"] = queue.Endpoint, ["messages"] = queue.Messages })]) },
            console =>
            {
                var table = CommandRun.Table("endpoint", "#messages");
                foreach (var (endpoint, messages) in waiting)
                    CommandRun.AddRow(table, endpoint, CommandRun.Number(messages));
                console.Write(table);
            });
        return waiting.TrueForAll(queue => queue.Messages == 0) ? 0 : 1;
    });

    private static Command Replay(CommandMaker maker)
    {
        var endpoint = new Argument<string>("endpoint") { Description = "As errors lists it." };
        return maker.Create("replay", "Brings the messages of a queue of errors back to its endpoint, those that are there now, once.", [endpoint], async (run, parsed, cancellation) =>
        {
            var name = parsed.GetValue(endpoint)!;
            var errors = BusEndpoints.Errors(name);
            await using var connection = await ConnectAsync(run, cancellation);
            var messages = await CountAsync(connection, errors, cancellation)
                ?? throw new RefusedException("unknown_queue", $"The broker has no queue {errors}: nothing ever failed there.", isRetryable: false);
            // What cannot be dealt with now comes again, behind what was there.
            var moved = await MoveAsync(connection, errors, name, messages, cancellation);
            return run.Show(() => new JsonObject { ["endpoint"] = name, ["messages"] = moved }, console => console.MarkupLineInterpolated($"[bold]{moved}[/] messages went back to {name}."));
        });
    }

    private static async Task<uint> MoveAsync(IConnection connection, string errors, string endpoint, uint most, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);
        var moved = 0u;
        while (moved < most && await channel.BasicGetAsync(errors, autoAck: false, cancellation) is { } message)
        {
            var properties = new BasicProperties(message.BasicProperties);
            // What the former failure left: it is told anew should there be another.
            properties.Headers = properties.Headers?.Where(header => !header.Key.StartsWith("MT-", StringComparison.Ordinal)).ToDictionary(header => header.Key, header => header.Value, StringComparer.Ordinal);
            try
            {
                // Confirmed by the broker, and then taken from the errors: a message may come twice, and none gets lost.
                await channel.BasicPublishAsync(exchange: "", routingKey: endpoint, mandatory: true, properties, message.Body, cancellation);
            }
            catch (PublishException exception)
            {
                throw new RefusedException("unknown_queue", $"The broker does not take messages for {endpoint}: {exception.Message}", isRetryable: false);
            }

            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellation);
            moved++;
        }

        return moved;
    }

    /// <summary>Null when there is no such queue.</summary>
    private static async Task<uint?> CountAsync(IConnection connection, string queue, CancellationToken cancellation)
    {
        // The question closes its channel when the answer is no.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue, cancellation)).MessageCount;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == NotFound)
        {
            return null;
        }
    }

    private static async Task<IConnection> ConnectAsync(CommandRun run, CancellationToken cancellation)
    {
        var address = run.Environment("ConnectionStrings__bus");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri))
            throw new RefusedException("no_broker", "Where the broker is, amqp://user:password@host:port, is taken from ConnectionStrings__bus, and that has no address.", isRetryable: false);
        try
        {
            return await new ConnectionFactory { Uri = uri, AutomaticRecoveryEnabled = false }.CreateConnectionAsync("beacon bus", cancellation);
        }
        catch (BrokerUnreachableException exception)
        {
            throw new RefusedException("unreachable", $"The broker at {uri.Host} cannot be reached: {exception.InnerException?.Message ?? exception.Message}", isRetryable: true);
        }
    }
}
