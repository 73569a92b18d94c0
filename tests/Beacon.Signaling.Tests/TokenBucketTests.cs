using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

public sealed class TokenBucketTests
{
    [Fact]
    public void A_burst_is_taken_at_once_and_one_more_is_refused()
    {
        var bucket = new TokenBucket(perSecond: 50, burst: 200, new FakeTimeProvider());

        Assert.Equal(200, Enumerable.Range(0, 201).Count(_ => bucket.TryTake()));
    }

    [Fact]
    public void It_fills_with_time_and_not_over_the_burst()
    {
        var clock = new FakeTimeProvider();
        var bucket = new TokenBucket(perSecond: 1, burst: 3, clock);
        while (bucket.TryTake())
        {
        }

        clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(bucket.TryTake());
        clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.True(bucket.TryTake());
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => bucket.TryTake()));
    }
}
