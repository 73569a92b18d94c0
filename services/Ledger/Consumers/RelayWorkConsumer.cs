using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Consumers;

/// <summary>Settles a window of a stream.</summary>
internal sealed class RelayWorkConsumer(LedgerWriter writer, IOptions<LedgerOptions> options, ILogger<RelayWorkConsumer> log) : IConsumer<RelayWorkVerified>
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
            [.. work.Relays.Select(relay => new RelayWork(relay.AccountId, relay.VerifiedBytes, relay.ReceiptAccounts, Excluded(relay)))],
            work.ConsumedBytes);
        var status = await settle.RunAsync(writer, options.Value, context.CancellationToken);
        if (status is not (PostingStatus.Posted or PostingStatus.Exists))
            Log.WindowNotSettled(log, work.StreamId, work.Window, status.ToString());
    }

    private static string? Flaw(RelayWorkVerified work)
    {
        if (work.WindowMs <= 0 || work.Viewers < 0)
            return "window or viewers out of range";
        if (!AccountIds.IsWallet(work.BroadcasterAccountId) || work.Relays.Any(relay => !AccountIds.IsWallet(relay.AccountId)))
            return "an account id is not one of a wallet";
        if (work.ConsumedBytes is < 0 || work.Relays.Any(relay => relay.ReceiptAccounts is < 0))
            return "consumption or accounts out of range";
        return work.Relays.Any(relay => Bytes(relay).Any(bytes => bytes is < 0 or > MaxBytes)) ? "bytes out of range" : null;
    }

    private static long[] Bytes(VerifiedRelay relay) =>
        [relay.VerifiedBytes, relay.SameAccountBytes, relay.SameAddressBlockBytes, relay.UnansweredBytes, relay.OverSlotsBytes];

    private static ExcludedWork[] Excluded(VerifiedRelay relay)
    {
        ExcludedWork[] excluded =
        [
            new(RefusalReason.SameAccount, relay.SameAccountBytes),
            new(RefusalReason.SameAddressBlock, relay.SameAddressBlockBytes),
            new(RefusalReason.Unanswered, relay.UnansweredBytes),
            new(RefusalReason.OverSlots, relay.OverSlotsBytes),
        ];
        return [.. excluded.Where(work => work.Bytes > 0)];
    }
}
