using System.Diagnostics;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Carries a trace over what puts many requests into one call or message: each of them names its own. Where nobody records traces,
/// all of this is null.
/// </summary>
public static class Traces
{
    /// <summary>Goes on with the trace of a W3C trace context; null without one, and where nobody listens.</summary>
    public static Activity? Continue(ActivitySource source, string name, ActivityKind kind, string? traceparent)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.HasListeners() && ActivityContext.TryParse(traceparent, traceState: null, isRemote: true, out var context)
            ? source.StartActivity(name, kind, context)
            : null;
    }

    /// <summary>Starts, without awaiting it, work that outlives the request which set it off and serves others, too: it is no part of that request's trace.</summary>
    public static void Detach(Func<Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using (ExecutionContext.SuppressFlow())
            _ = work();
    }
}
