using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using MassTransit;

namespace Beacon.Ledger.Consumers;

/// <summary>Notes whose stream it is.</summary>
internal sealed class StreamStartedConsumer(LedgerWriter writer, ILogger<StreamStartedConsumer> log) : IConsumer<StreamStarted>
{
    public async Task Consume(ConsumeContext<StreamStarted> context)
    {
        var stream = context.Message;
        if (!AccountIds.IsWallet(stream.BroadcasterAccountId))
        {
            Log.MessageDropped(log, nameof(StreamStarted), stream.StreamId, "the broadcaster is not the id of a wallet");
            return;
        }

        await writer.ExecuteAsync(
            state => StreamFacts.Started(state, stream.StreamId, stream.BroadcasterAccountId, stream.StartedAt.ToUnixTimeMilliseconds()),
            waitForRoom: true,
            context.CancellationToken);
    }
}

/// <summary>Closes a stream's books: no more tips, and sponsors get back what is left.</summary>
internal sealed class StreamEndedConsumer(LedgerWriter writer, TimeProvider clock, ILogger<StreamEndedConsumer> log) : IConsumer<StreamEnded>
{
    public async Task Consume(ConsumeContext<StreamEnded> context)
    {
        var stream = context.Message;
        if (!AccountIds.IsWallet(stream.BroadcasterAccountId))
        {
            Log.MessageDropped(log, nameof(StreamEnded), stream.StreamId, "the broadcaster is not the id of a wallet");
            return;
        }

        var endedAt = stream.EndedAt ?? context.SentAt(clock);
        await writer.ExecuteAsync(
            state =>
            {
                StreamFacts.Ended(state, stream.StreamId, stream.BroadcasterAccountId, endedAt.ToUnixTimeMilliseconds());
                return true;
            },
            waitForRoom: true,
            context.CancellationToken);
    }
}
