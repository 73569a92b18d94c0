using MassTransit;

namespace Beacon.ServiceDefaults;

public static class MessageTimes
{
    /// <summary>When a message was sent, not when it arrived: a late copy must not count as news. Now when its sender did not say.</summary>
    public static DateTimeOffset SentAt(this ConsumeContext context, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(clock);
        return context.SentTime is { } sent ? new DateTimeOffset(sent, TimeSpan.Zero) : clock.GetUtcNow();
    }
}
