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

    /// <summary>Takes one, and says what the bucket is like then.</summary>
    public RateReading Take() => new(TryTake(), burst, burst / perSecond, (int)_tokens, SecondsUntil(burst), SecondsUntil(1));

    /// <summary>True when the whole burst is there again.</summary>
    public bool IsFull() => _tokens + (clock.GetElapsedTime(_filledAt).TotalSeconds * perSecond) >= burst;

    private double SecondsUntil(double tokens) => Math.Max(0, (tokens - _tokens) / perSecond);
}

/// <summary>A bucket right after something was taken from it, or was not.</summary>
/// <param name="IsTaken">False when it was empty.</param>
/// <param name="Burst">What it holds when it is full.</param>
/// <param name="WindowSeconds">How long it takes to fill.</param>
/// <param name="Remaining">What can be taken now.</param>
/// <param name="SecondsUntilFull">When it is full again if nothing is taken.</param>
/// <param name="SecondsUntilNext">When one more can be taken.</param>
internal readonly record struct RateReading(bool IsTaken, int Burst, double WindowSeconds, int Remaining, double SecondsUntilFull, double SecondsUntilNext);
