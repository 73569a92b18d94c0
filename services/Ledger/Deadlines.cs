using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger;

/// <summary>
/// Has the writer look at what only time brings: withdrawals that nobody decided about, campaigns that are over. A busy writer
/// sees the former by itself with every group; this is for the quiet hours.
/// </summary>
internal sealed class Deadlines(LedgerWriter writer, IOptions<LedgerOptions> options, TimeProvider clock, ILogger<Deadlines> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var seconds = options.Value.DeadlineCheckSeconds;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(seconds), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await CheckAsync(seconds, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task CheckAsync(int seconds, CancellationToken cancellationToken)
    {
        try
        {
            var ended = await writer.ExecuteAsync(EndSponsorship.Overdue, waitForRoom: false, cancellationToken);
            if (ended > 0)
                Log.CampaignsEnded(log, ended);
        }
        catch (RpcException exception)
        {
            Log.DeadlinesFailed(log, seconds, exception);
        }
    }
}
