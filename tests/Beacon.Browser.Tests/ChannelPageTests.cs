using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The page of a channel, as visitors and as its owner see it.</summary>
[Collection(nameof(Browsers))]
public sealed class ChannelPageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task An_owner_sets_the_channel_up_and_visitors_see_it_live(string size)
    {
        var screen = Screen.Named(size);
        var page = await VisitAsync("/sponsor?name=Owner", screen);
        var owner = await GuestOfAsync(page);
        await page.GotoAsync(new Uri(Fixture.Server.Http, $"/channel/{owner.Channel}?about=1").ToString());
        await Assertions.Expect(page.GetByTestId("channel-state")).ToHaveTextAsync("You were not live yet.");
        await page.GetByTestId("channel-tags").FillAsync("chess, endgames");
        await page.GetByTestId("channel-consent").SelectOptionAsync("RAID_CONSENT_FOLLOWED");
        await page.GetByTestId("save-channel").ClickAsync();
        await Assertions.Expect(page.GetByTestId("channel-saved")).ToHaveTextAsync("Saved.");
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByTestId("channel-tags")).ToHaveValueAsync("chess, endgames");
        await Assertions.Expect(page.GetByTestId("channel-consent")).ToHaveValueAsync("RAID_CONSENT_FOLLOWED");

        var live = await GoLiveAsync("Rook endings", owner);
        var visitor = await VisitAsync($"/channel/{owner.Channel}?about=1", screen);
        await Assertions.Expect(visitor.GetByTestId("channel-state")).ToHaveTextAsync("Live now.", new() { Timeout = 15_000 });
        await Assertions.Expect(visitor.GetByTestId("stream")).ToContainTextAsync("Rook endings");
        await Assertions.Expect(page.GetByTestId("stream")).ToContainTextAsync("Rook endings", new() { Timeout = 15_000 });
        await AuditAsync(page, "channel", screen);

        // The address without more leads to the stream.
        await visitor.GotoAsync(new Uri(Fixture.Server.Http, $"/channel/{owner.Channel}").ToString());
        await visitor.WaitForURLAsync($"**/watch/{live.StreamId}");
    }
}
