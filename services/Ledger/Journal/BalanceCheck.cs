using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Journal;

/// <summary>Adds up all balances of the file from time to time. The sum is zero in every committed state; anything else is told loudly.</summary>
internal sealed class BalanceCheck(
    IDbContextFactory<LedgerDb> databases,
    LedgerMetrics metrics,
    IOptions<LedgerOptions> options,
    TimeProvider clock,
    ILogger<BalanceCheck> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.BalanceCheckSeconds), clock);
        try
        {
            do
            {
                await CheckAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var database = await databases.CreateDbContextAsync(cancellationToken);
            metrics.BalanceSum = await database.Balances.SumAsync(row => row.Balance, cancellationToken);
            if (metrics.BalanceSum != 0)
                Log.SumNotZero(log, metrics.BalanceSum);
        }
#pragma warning disable CA1031 // A check that cannot be made now is made the next time.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            Log.SumCheckFailed(log, exception);
        }
    }
}
