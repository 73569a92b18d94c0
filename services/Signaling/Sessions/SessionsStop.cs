using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Tells every client to go when the host stops, so that they are elsewhere before this replica is gone: in turn over the time that the
/// process serves on, or all at once where it does not.
/// </summary>
internal sealed class SessionsStop(Edge edge, Drain drain, IHostApplicationLifetime lifetime, IOptions<EndpointsOptions> options) : IHostedService
{
    /// <summary>The rest of the time belongs to who is told last.</summary>
    private const double Share = 0.8;

    private CancellationTokenRegistration _stopping;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _stopping = lifetime.ApplicationStopping.Register(() =>
        {
            if (options.Value.DrainSeconds > 0)
                drain.Start(TimeSpan.FromSeconds(options.Value.DrainSeconds * Share));
            else
                TellAll();
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Dispose();
        TellAll();
        return Task.CompletedTask;
    }

    private void TellAll()
    {
        foreach (var session in edge.Sessions)
            session.Close(Session.GoingAway, "");
    }
}
