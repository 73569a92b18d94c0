namespace Beacon.Signaling.Sessions;

/// <summary>
/// A rate with a burst. System.Threading.RateLimiting's bucket brings a timer or a queue for each instance; a session needs
/// three buckets and a server has tens of thousands of sessions, so this one is a number and a time. Not thread-safe: only
/// the session's own receive loop asks it.
/// </summary>
internal sealed class TokenBucket(double perSecond, int burst, TimeProvider clock)
{
    private double _tokens = burst;
    private long _filledAt = clock.GetTimestamp();

    public bool TryTake()
    {
        var now = clock.GetTimestamp();
        _tokens = Math.Min(burst, _tokens + (clock.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
        _filledAt = now;
        if (_tokens < 1)
            return false;
        _tokens -= 1;
        return true;
    }

    /// <summary>True when the whole burst is there again.</summary>
    public bool IsFull() => _tokens + (clock.GetElapsedTime(_filledAt).TotalSeconds * perSecond) >= burst;
}
