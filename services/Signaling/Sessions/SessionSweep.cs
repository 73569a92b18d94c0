using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// What only time brings to a session: its token expires, its client falls silent, its close is never answered. One timer for all of them,
/// because a timer each would be most of what an idle session costs.
/// </summary>
internal sealed class SessionSweep(
    Edge edge,
    Handshakes handshakes,
    Identity.GuestRates guests,
    Calls.CallRates calls,
    IOptions<SignalingOptions> options,
    IOptions<AuthOptions> auth,
    TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>How long a client has to answer a close.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(3);

    private readonly TimeSpan _clockSkew = TimeSpan.FromSeconds(auth.Value.ClockSkewSeconds);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Glance, clock);
        try
        {
            while (await tick.WaitForNextTickAsync(stoppingToken))
            {
                var now = clock.GetUtcNow();
                foreach (var session in edge.Sessions.Concat(edge.Refused))
                    Look(session, now);
                handshakes.Rates.Sweep();
                guests.Rates.Sweep();
                calls.Sweep();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops: its sessions close on their own.
        }
    }

    private void Look(Session session, DateTimeOffset now)
    {
        if (session.IsClosing)
        {
            if (session.ClosingSince == 0)
                session.ClosingSince = clock.GetTimestamp();
            else if (clock.GetElapsedTime(session.ClosingSince) > CloseLimit)
                session.Abort();
            return;
        }

        var silence = clock.GetElapsedTime(session.HeardAt);
        // As for a new session: see AccessTokens.LifetimeBy.
        if (session.Credentials.ExpiresAt <= now - _clockSkew)
        {
            session.SendError(CommonErrors.InvalidToken);
            session.Close(Session.TokenExpired, CommonErrors.InvalidToken.Reason);
        }
        else if (silence.TotalSeconds >= 2 * options.Value.KeepAliveSeconds)
        {
            session.Abort();
        }
        else if (silence.TotalSeconds >= options.Value.KeepAliveSeconds)
        {
            session.Ping();
        }
    }
}
