using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Tells every client to go when the host stops, so that they are elsewhere before this replica is gone. In turn over the time that the
/// process drains, because the others have to take them in; the first third of it belongs to the balancer, which has to learn where not to
/// send them.
/// </summary>
internal sealed class SessionsStop(Edge edge, IHostApplicationLifetime lifetime, IOptions<EndpointsOptions> options, TimeProvider clock) : IHostedService
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    private CancellationTokenRegistration _stopping;
    private Task _told = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _stopping = lifetime.ApplicationStopping.Register(() => _told = TellAsync(TimeSpan.FromSeconds(options.Value.DrainSeconds)));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Dispose();
        await _told.WaitAsync(cancellationToken);
    }

    private async Task TellAsync(TimeSpan drain)
    {
        if (drain > TimeSpan.Zero)
        {
            await Task.Delay(drain / 3, clock);
            // Done a little before the end, for who is told last.
            var turns = (int)(drain / 2 / Pace);
            var share = Math.Max(1, (edge.SessionCount + turns - 1) / turns);
            using var turn = new PeriodicTimer(Pace, clock);
            for (var i = 0; i < turns && edge.SessionCount > 0 && await turn.WaitForNextTickAsync(); i++)
                Tell(share);
        }

        Tell(int.MaxValue);
    }

    private void Tell(int sessions)
    {
        foreach (var session in edge.Sessions.Where(session => !session.IsToldToGo).Take(sessions))
            session.Close(Session.GoingAway, "");
    }
}
