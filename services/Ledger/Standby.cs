using Beacon.Ledger.Journal;
using Grpc.Core;

namespace Beacon.Ledger;

/// <summary>
/// Holds the start of the process until the writer has its turn: an instance that cannot book must not take messages off the
/// bus. One that loses its turn to another ends, to be started again as a standby.
/// </summary>
internal sealed class Standby(LedgerWriter writer, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<Standby> log) : IHostedService
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (writer.StandsBy)
        {
            Log.WaitingForTurn(log, writer.Trouble ?? "");
            using var timer = new PeriodicTimer(Retry, clock);
            while (writer.StandsBy)
            {
                await timer.WaitForNextTickAsync(cancellationToken);
                await TryAsync(cancellationToken);
            }

            Log.TookOver(log);
        }

        writer.TurnLost = () =>
        {
            Log.TurnLost(log);
            lifetime.StopApplication();
        };
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        writer.TurnLost = null;
        return Task.CompletedTask;
    }

    /// <summary>Any request makes the writer try; this one changes nothing.</summary>
    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            await writer.ExecuteAsync(_ => true, waitForRoom: true, cancellationToken);
        }
        catch (RpcException)
        {
            // Still another's turn, or the database is away.
        }
    }
}
