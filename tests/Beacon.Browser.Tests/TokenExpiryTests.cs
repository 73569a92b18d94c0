using System.Text;
using System.Text.Json;

namespace Beacon.Browser.Tests;

/// <summary>A server whose tokens live for a minute, and not a second longer.</summary>
public sealed class ShortTokens() : BrowserFixture(new Dictionary<string, string>(StringComparer.Ordinal)
{
    ["Beacon:Signaling:AccessTokenMinutes"] = "1",
    ["Beacon:Auth:ClockSkewSeconds"] = "0",
});

/// <summary>A token that ends in the middle of a stream.</summary>
[Collection(nameof(Browsers))]
public sealed class TokenExpiryTests(ShortTokens fixture) : PagesTests(fixture), IClassFixture<ShortTokens>
{
    [Fact]
    public async Task A_token_that_ends_in_the_middle_of_a_stream_is_renewed_before_and_nobody_notices()
    {
        var root = await BroadcastAsync("Longer than a token");
        var viewer = await WatchAsync("Stays", (await root.StatsAsync()).StreamId);
        var before = await viewer.SeesTheLivePictureAsync();
        var endsAt = DateTimeOffset.FromUnixTimeSeconds(EndOf(before.AccessToken));
        await viewer.TakeLongestBreakMsAsync();

        // Two seconds later the server would have closed the sessions that go by the first tokens.
        foreach (var page in Pages)
            await page.WaitAsync(_ => TimeProvider.System.GetUtcNow() > endsAt.AddSeconds(2), "the end of its first token behind it", seconds: 70);

        var after = await viewer.SeesTheLivePictureAsync();
        Assert.NotEqual(before.AccessToken, after.AccessToken);
        Assert.Equal((before.AccountId, before.PeerId), (after.AccountId, after.PeerId));
        foreach (var page in Pages)
            Assert.Equal("open", (await page.StatsAsync()).Connection);
        Assert.Equal(before.ChunksMissed, after.ChunksMissed);
        // With the renewed token the viewer is paid, tips and calls like before.
        Assert.Equal(200, (await Fixture.Rest.GetAsync("/api/wallet", await viewer.GuestAsync())).Status);
        Assert.Equal(401, (await Fixture.Rest.GetAsync("/api/wallet", new Testing.Guest(before.AccountId, before.AccessToken, "", ""))).Status);
    }

    private static long EndOf(string token)
    {
        var payload = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
        var json = Encoding.UTF8.GetString(Convert.FromBase64String(payload.PadRight((payload.Length + 3) / 4 * 4, '=')));
        return JsonDocument.Parse(json).RootElement.GetProperty("exp").GetInt64();
    }
}
