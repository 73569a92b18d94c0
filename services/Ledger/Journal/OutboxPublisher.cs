using System.Globalization;
using System.Text.Json;
using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using MassTransit;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Brings events to the bus, in order, each at least once: those that follow from the journal, and those of the outbox
/// table. The cursor passes an event only after the bus took it. A commit wakes it; the fallback serves what a failed attempt
/// left behind.
/// </summary>
internal sealed class OutboxPublisher(
    ILedgerDatabase database,
    LedgerWriter writer,
    IDbContextFactory<LedgerDb> databases,
    IBusControl bus,
    IOptions<LedgerOptions> options,
    TimeProvider clock,
    ILogger<OutboxPublisher> log) : BackgroundService
{
    private static readonly Dictionary<string, Type> Types = new[] { typeof(CreditsEarned), typeof(TipPosted), typeof(SquadChanged) }.ToDictionary(type => type.Name, StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // What is published before the consumers' endpoints are bound reaches nobody.
            await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await PublishPageAsync(stoppingToken) | await PublishTransfersAsync(stoppingToken))
                {
                    // The next page.
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A bus or a disk that is away must not end the publisher; it tries again.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.OutboxFailed(log, options.Value.OutboxFallbackSeconds, exception);
            }

            await WaitAsync(stoppingToken);
        }
    }

    /// <summary>Publishes what follows from the oldest transfers; true when there may be more.</summary>
    private async Task<bool> PublishTransfersAsync(CancellationToken cancellationToken)
    {
        var page = database.ReadEvents(options.Value.OutboxPageSize);
        foreach (var (transfer, message) in page.Events)
        {
            using var span = writer.Traces.Publish(transfer);
            await PublishAsync(message, cancellationToken);
        }

        // A page is one step: what a failure left of it is published again as a whole.
        if (page.Through > 0)
            await writer.ExecuteAsync(state => state.Changes.PublishedTransfers = page.Through, waitForRoom: true, cancellationToken);
        return !page.IsLast;
    }

    /// <summary>Publishes the oldest messages of the table; true when there may be more.</summary>
    private async Task<bool> PublishPageAsync(CancellationToken cancellationToken)
    {
        List<OutboxRow> page;
        await using (var context = await databases.CreateDbContextAsync(cancellationToken))
            page = await context.Outbox.AsNoTracking().OrderBy(row => row.Sequence).Take(options.Value.OutboxPageSize).ToListAsync(cancellationToken);
        if (page.Count == 0)
            return false;
        var published = 0L;
        try
        {
            foreach (var row in page)
            {
                await PublishAsync(JsonSerializer.Deserialize(row.Payload, Types[row.Type])!, cancellationToken);
                published = row.Sequence;
            }
        }
        finally
        {
            // Also after a failure: what the bus took is not sent again.
            if (published > 0)
                await writer.ExecuteAsync(state => state.Changes.PublishedThrough = published, waitForRoom: true, cancellationToken);
        }

        return page.Count == options.Value.OutboxPageSize;
    }

    /// <summary>Under an id that follows from the fact: who is told of it again can tell.</summary>
    private Task PublishAsync(object message, CancellationToken cancellationToken) => bus.Publish(
        message,
        message.GetType(),
        Pipe.Execute<PublishContext>(context => context.MessageId = message switch
        {
            TipPosted tip => DerivedId.Of(nameof(TipPosted), tip.TransferId),
            CreditsEarned earned => DerivedId.Of(nameof(CreditsEarned), Text(earned.Sequence), earned.AccountId, Text(earned.BalanceMicrocredits)),
            SquadChanged squad => DerivedId.Of(nameof(SquadChanged), squad.StreamId, Text(squad.Version)),
            _ => throw new ArgumentOutOfRangeException(nameof(message), message.GetType().Name, "Not an event of the ledger."),
        }),
        cancellationToken);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var fallback = Task.Delay(TimeSpan.FromSeconds(options.Value.OutboxFallbackSeconds), clock, timeout.Token);
        var signal = writer.OutboxSignal.WaitToReadAsync(timeout.Token).AsTask();
        await Task.WhenAny(fallback, signal);
        await timeout.CancelAsync();
        writer.OutboxSignal.TryRead(out _);
    }
}
