using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using MassTransit;

namespace Beacon.Ledger.Consumers;

/// <summary>Settles a window of a stream.</summary>
internal sealed class RelayWorkConsumer(LedgerWriter writer, ILogger<RelayWorkConsumer> log) : IConsumer<RelayWorkVerified>
{
    /// <summary>A petabyte in a window is no relay; below it all sums are safe.</summary>
    private const long MaxBytes = 1_000_000_000_000_000;

    public async Task Consume(ConsumeContext<RelayWorkVerified> context)
    {
        var work = context.Message;
        if (Flaw(work) is { } flaw)
        {
            Log.MessageDropped(log, nameof(RelayWorkVerified), work.StreamId, flaw);
            return;
        }

        var settle = new SettleWindow(
            work.StreamId,
            work.BroadcasterAccountId,
            work.Window,
            work.WindowMs,
            work.Viewers,
            [.. work.Relays.Select(relay => new RelayWork(relay.AccountId, relay.VerifiedBytes))]);
        var status = await writer.ExecuteAsync(settle.Decide, waitForRoom: true, context.CancellationToken);
        if (status is not (PostingStatus.Posted or PostingStatus.Exists))
            Log.WindowNotSettled(log, work.StreamId, work.Window, status.ToString());
    }

    private static string? Flaw(RelayWorkVerified work)
    {
        if (work.WindowMs <= 0 || work.Viewers < 0)
            return "window or viewers out of range";
        if (!AccountIds.IsWallet(work.BroadcasterAccountId) || work.Relays.Any(relay => !AccountIds.IsWallet(relay.AccountId)))
            return "an account id is not one of a wallet";
        return work.Relays.Any(relay => relay.VerifiedBytes is < 0 or > MaxBytes) ? "bytes out of range" : null;
    }
}
