using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>A raid as people see it: two broadcasters, four viewers, a countdown, a cancel, and then the move with the picture running.</summary>
[Collection(nameof(Browsers))]
public sealed class RaidTests(BrowserFixture fixture) : PagesTests(fixture)
{
    private const int PatienceSeconds = 60;
    private const float PatienceMs = 1_000 * PatienceSeconds;

    [Fact]
    public async Task A_raid_is_seen_to_come_can_be_cancelled_and_declined_and_takes_the_viewers_over_with_the_picture_running()
    {
        var home = await BroadcastAsync("Home");
        var away = await BroadcastAsync("Away");
        var homeId = (await home.StatsAsync()).StreamId;
        var awayId = (await away.StatsAsync()).StreamId;
        var viewers = new List<PeerPage>();
        for (var index = 1; index <= 4; index++)
            viewers.Add(await WatchAsync($"Viewer {index}", homeId));
        foreach (var viewer in viewers)
            await viewer.SeesTheLivePictureAsync(PatienceSeconds);

        // Announced to all, and called off.
        await StartRaidAsync(home, awayId, seconds: 120);
        foreach (var viewer in viewers)
        {
            await Assertions.Expect(viewer.Page.GetByTestId("raid")).ToContainTextAsync("Away", new() { Timeout = PatienceMs });
            Assert.InRange(int.Parse(await viewer.Page.GetByTestId("raid-seconds").InnerTextAsync(), System.Globalization.CultureInfo.InvariantCulture), 1, 120);
        }

        await home.Page.GetByTestId("cancel-raid").ClickAsync();
        foreach (var viewer in viewers)
            await Assertions.Expect(viewer.Page.GetByTestId("raid")).ToHaveCountAsync(0, new() { Timeout = PatienceMs });
        Assert.Equal("live", await home.Page.GetByTestId("state").InnerTextAsync());

        // The second one is for real; the last viewer stays behind.
        await StartRaidAsync(home, awayId, seconds: 12);
        await viewers[3].Page.GetByTestId("decline-raid").ClickAsync(new() { Timeout = PatienceMs });
        foreach (var viewer in viewers[..3])
            await viewer.TakeLongestBreakMsAsync();
        var breaks = new List<double>();
        foreach (var viewer in viewers[..3])
        {
            await viewer.WaitAsync(stats => stats.StreamId == awayId, "the target's stream", PatienceSeconds);
            await viewer.SeesTheLivePictureAsync(PatienceSeconds);
            breaks.Add(await viewer.TakeLongestBreakMsAsync());
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"Longest time without a new picture around the raid, in ms: {string.Join(' ', breaks.Select(one => one.ToString("F0", null)))}");
        await Assertions.Expect(viewers[3].Page.GetByTestId("state")).ToHaveTextAsync("ended", new() { Timeout = PatienceMs });
        Assert.Equal(homeId, (await viewers[3].StatsAsync()).StreamId);
        await Assertions.Expect(home.Page.GetByTestId("state")).ToHaveTextAsync("ended", new() { Timeout = PatienceMs });

        // The channel's address leads where its audience went.
        var channel = await ChannelAsync(home);
        await home.Page.GotoAsync(new Uri(Fixture.Server.Http, $"/channel/{Uri.EscapeDataString(channel)}").ToString());
        await Assertions.Expect(home.Page).ToHaveURLAsync(new Regex($"/watch/{awayId}", RegexOptions.None, TimeSpan.FromSeconds(1)), new() { Timeout = PatienceMs });
    }

    private static async Task StartRaidAsync(PeerPage home, string targetId, int seconds)
    {
        await home.Page.GetByTestId("raid-target").SelectOptionAsync(targetId, new() { Timeout = PatienceMs });
        await home.Page.GetByTestId("raid-countdown").FillAsync($"{seconds}");
        await home.Page.GetByTestId("start-raid").ClickAsync();
        await Assertions.Expect(home.Page.GetByTestId("raid-seconds")).ToBeVisibleAsync(new() { Timeout = PatienceMs });
    }

    private static Task<string> ChannelAsync(PeerPage home) => home.Page.EvaluateAsync<string>("() => window.beacon.session.channel");
}
