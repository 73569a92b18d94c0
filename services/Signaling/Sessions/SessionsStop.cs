namespace Beacon.Signaling.Sessions;

/// <summary>Tells every client to go when the host stops, so that they are elsewhere before this replica is gone.</summary>
internal sealed class SessionsStop(Edge edge, IHostApplicationLifetime lifetime) : IHostedService
{
    private CancellationTokenRegistration _stopping;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _stopping = lifetime.ApplicationStopping.Register(() =>
        {
            foreach (var session in edge.Sessions)
                session.Close(Session.GoingAway, "");
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Dispose();
        return Task.CompletedTask;
    }
}
