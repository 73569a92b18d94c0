namespace Beacon.Browser.Tests;

/// <summary>Tests that open pages of one server; what they opened is closed after each.</summary>
public abstract class PagesTests(BrowserFixture fixture) : IAsyncLifetime
{
    protected BrowserFixture Fixture { get; } = fixture;

    protected List<PeerPage> Pages { get; } = [];

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(BrowserFixture.Missing is not null, BrowserFixture.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var page in Pages)
            await page.CloseAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<PeerPage> BroadcastAsync(string name) => Keep(await Fixture.BroadcastAsync(name));

    protected async Task<PeerPage> WatchAsync(string name, string streamId, double uplinkMbps = 5, string? script = null, bool relayOnly = false) =>
        Keep(await Fixture.WatchAsync(name, streamId, uplinkMbps, script, relayOnly));

    /// <summary>Waits for what the server will have done by then.</summary>
    /// <param name="seen">What to print when it has not.</param>
    protected static async Task Until(Func<Task<bool>> fact, string what, int seconds, Func<Task<string>>? seen = null)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        for (var i = 0; i < seconds * 4; i++)
        {
            if (await fact())
                return;
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Within {seconds} s it did not happen that {what}.{(seen is null ? "" : $" Seen: {await seen()}")}");
    }

    private PeerPage Keep(PeerPage page)
    {
        Pages.Add(page);
        return page;
    }
}
