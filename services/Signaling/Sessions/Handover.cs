using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Parts a WebSocket from the request that opened it. Kestrel keeps a request, and all that has served it, for as long as an upgraded connection
/// lives, which is most of what an idle one holds. So the request ends with the handshake, and what the connection is for is run after it.
/// </summary>
internal sealed class Handover : IConnectionHeartbeatFeature
{
    private readonly IDuplexPipe _transport;
    // Replaced, never changed: the heart beats on a thread of its own.
    private volatile (Action<object> Beat, object State)[] _beats = [];
    private Func<Task>? _then;

    private Handover(ConnectionContext connection)
    {
        _transport = connection.Transport;
        // What beats for the request must be let go with it.
        if (connection.Features.Get<IConnectionHeartbeatFeature>() is { } heart)
            heart.OnHeartbeat(static state => ((Handover)state).Beat(), this);
        connection.Features.Set<IConnectionHeartbeatFeature>(this);
        connection.Features.Set(this);
    }

    /// <summary>On every connection of a listener, around its HTTP.</summary>
    public static void Use(ListenOptions listener) => listener.Use(static next => async connection =>
    {
        var handover = new Handover(connection);
        await next(connection);
        if (handover._then is not { } then)
            return;
        handover._beats = [];
        // Leads to the request.
        connection.Features.Set<IConnectionTimeoutFeature>(null);
        connection.Features.Set<Handover>(null);
        await then();
    });

    /// <summary>Runs something once the request has ended. False where the connection does not outlive it, as within Kestrel's own TLS.</summary>
    public bool TryRun(IDuplexPipe transport, Func<Task> then)
    {
        if (!ReferenceEquals(transport, _transport))
            return false;
        _then = then;
        return true;
    }

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) => _beats = [.. _beats, (action, state)];

    private void Beat()
    {
        foreach (var (beat, state) in _beats)
            beat(state);
    }
}
