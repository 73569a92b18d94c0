using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Empties this replica while it runs on: no new sessions, and those that there are go elsewhere one after the other, so that the other
/// replicas are not met by all of them at once. Their peers keep their places in the trees.
/// </summary>
internal sealed class Drain(Edge edge, TimeProvider clock, ILogger<Drain> log) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private Plan? _plan;

    public bool IsOn => Volatile.Read(ref _plan) is not null;

    /// <summary>When the last session is closed; null while nothing is drained.</summary>
    public DateTimeOffset? EndsAt => Volatile.Read(ref _plan)?.EndsAt;

    public void Start(TimeSpan duration)
    {
        var now = clock.GetUtcNow();
        lock (_lock)
            _plan = new Plan(now, now + duration, edge.SessionCount);
        Log.DrainStarted(log, edge.Id, edge.SessionCount, duration);
    }

    public void Stop()
    {
        lock (_lock)
            _plan = null;
        Log.DrainStopped(log, edge.Id, edge.SessionCount);
    }

    /// <summary>Nobody should be sent here any more.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsOn ? HealthCheckResult.Unhealthy("draining") : HealthCheckResult.Healthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (Volatile.Read(ref _plan) is { } plan)
                CloseThoseDue(plan);
        }
    }

    private void CloseThoseDue(Plan plan)
    {
        var stay = plan.StayingAt(clock.GetUtcNow());
        var open = edge.Sessions.Where(session => !session.IsClosing).ToList();
        foreach (var session in open.Take(Math.Max(0, open.Count - stay)))
            session.Close(Session.GoingAway, "");
    }

    /// <summary>As many sessions as there were at the start go evenly over the time.</summary>
    private sealed record Plan(DateTimeOffset StartedAt, DateTimeOffset EndsAt, int Sessions)
    {
        public int StayingAt(DateTimeOffset now) =>
            now >= EndsAt ? 0 : (int)Math.Ceiling(Sessions * ((EndsAt - now) / (EndsAt - StartedAt)));
    }
}
