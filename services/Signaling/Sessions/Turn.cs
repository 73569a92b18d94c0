using Beacon.Contracts.Signaling.V1;

namespace Beacon.Signaling.Sessions;

/// <summary>Frames that become known together, for one session or thousands: they go out at its end, so that each connection is written to once.</summary>
internal sealed class Turn : IDisposable
{
    /// <summary>So many are written to at once by whoever ends the turn; more are shared out to all processors.</summary>
    private const int FewSessions = 4;

    private List<Session>? _due;

    public void Send(Session session, ServerFrame frame)
    {
        if (session.TryQueue(frame))
            (_due ??= []).Add(session);
    }

    public void Dispose() => Flush();

    public void Flush()
    {
        if (_due is not { } due)
            return;
        _due = null;
        foreach (var session in due)
        {
            if (due.Count > FewSessions)
                ThreadPool.UnsafeQueueUserWorkItem(session, preferLocal: true);
            else
                session.Flush();
        }
    }
}
