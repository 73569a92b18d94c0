using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Sessions;

/// <summary>Closes sessions whose access token has expired without a <c>refresh</c>. One timer for all of them.</summary>
internal sealed class ExpirySweep(Edge edge, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        try
        {
            while (await tick.WaitForNextTickAsync(stoppingToken))
            {
                var now = clock.GetUtcNow();
                foreach (var session in edge.Sessions)
                {
                    if (session.ExpiresAt > now)
                        continue;
                    session.SendError(CommonErrors.InvalidToken);
                    session.Close(Session.TokenExpired, CommonErrors.InvalidToken.Reason);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops: its sessions close on their own.
        }
    }
}
