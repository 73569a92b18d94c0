using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The page of a broadcaster, from the choice of a source to the end.</summary>
[Collection(nameof(Browsers))]
public sealed class LivePageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const float PatienceMs = 30_000;

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task A_broadcaster_looks_at_the_camera_goes_live_shares_with_a_squad_and_ends(string size)
    {
        var screen = Screen.Named(size);
        var page = await VisitAsync("/live?name=Presenter", screen);
        await page.GetByTestId("title").FillAsync("Morning show");
        await page.GetByTestId("tags").FillAsync("News, #weather");
        await page.GetByTestId("preview-source").ClickAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('video')?.videoWidth > 0");
        // The camera is known by its name, now that it may be used.
        await Assertions.Expect(page.GetByTestId("camera").Locator("option")).Not.ToHaveCountAsync(1);
        await AuditAsync(page, "live-setup", screen);

        await page.GetByTestId("go-live").ClickAsync();
        await Assertions.Expect(page.GetByTestId("state")).ToHaveTextAsync("live", new() { Timeout = PatienceMs });
        var streamId = await page.EvaluateAsync<string>("() => window.beacon.stats().streamId");
        await JoinAsync(streamId);
        await Assertions.Expect(page.GetByTestId("viewers")).ToHaveTextAsync("1", new() { Timeout = PatienceMs });

        // The invitation shows the partner the account id that the broadcaster needs.
        var invited = await VisitAsync($"/watch/{streamId}?squad=1&autostart=0&name=Partner", screen);
        var partner = await GuestOfAsync(invited);
        await Assertions.Expect(invited.GetByTestId("squad-invitation")).ToBeVisibleAsync();
        await AuditAsync(invited, "watch-invited", screen);
        await page.GetByTestId("squad-invite").ClickAsync();
        await page.GetByTestId("squad-account").FillAsync(partner.AccountId);
        await page.GetByTestId("squad-share").FillAsync("100");
        await page.GetByTestId("squad-save").ClickAsync();
        await Assertions.Expect(page.GetByTestId("error")).ToContainTextAsync("Leave a part for yourself");
        await page.GetByTestId("squad-share").FillAsync("25.5");
        await page.GetByTestId("squad-save").ClickAsync();
        await Assertions.Expect(page.GetByTestId("squad-saved")).ToHaveTextAsync("Saved.");
        var squad = (await Fixture.Rest.GetAsync($"/api/streams/{streamId}/squad", partner)).Body.GetProperty("members").EnumerateArray().ToArray();
        Assert.Equal([7_450, 2_550], squad.Select(member => member.GetProperty("shareBps").GetInt32()));
        Assert.Equal(partner.AccountId, squad[1].GetProperty("accountId").GetString());
        await Assertions.Expect(invited.GetByTestId("squad-share")).ToContainTextAsync("25.5 %", new() { Timeout = PatienceMs });

        // The revenue is what arrives of a tip.
        var fan = await Fixture.Rest.GuestAsync("Fan");
        await DepositAsync(fan.AccountId, 5);
        Assert.Equal(200, (await Fixture.Rest.PostAsync("/api/tip", new { streamId, amountMicrocredits = 4 * Credit, transferId = Guid.NewGuid() }, fan)).Status);
        await Assertions.Expect(page.GetByTestId("revenue")).ToContainTextAsync("2.98", new() { Timeout = PatienceMs });
        await Assertions.Expect(page.GetByTestId("notice")).ToContainTextAsync("Fan gave 4 credits");

        await page.GetByTestId("mute").ClickAsync();
        await Assertions.Expect(page.GetByTestId("mute")).ToHaveAttributeAsync("aria-pressed", "true");
        await AuditAsync(page, "live", screen);
        var settings = (await Fixture.Rest.GetAsync($"/api/channels/{(await GuestOfAsync(page)).Channel}/settings", await GuestOfAsync(page))).Body.GetProperty("settings");
        Assert.Equal(["news", "weather"], settings.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!));

        await page.GetByTestId("raid-target").SelectOptionAsync("none");
        await page.GetByTestId("end-stream").ClickAsync();
        await Assertions.Expect(page.GetByTestId("state")).ToHaveTextAsync("ended", new() { Timeout = PatienceMs });
        await page.GetByTestId("live-again").ClickAsync();
        await Assertions.Expect(page.GetByTestId("go-live")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_camera_that_may_not_be_used_is_explained()
    {
        var page = await VisitAsync("/live?name=Shy", Screen.Desktop);
        await page.EvaluateAsync("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')); }");
        await page.GetByTestId("go-live").ClickAsync();
        await Assertions.Expect(page.GetByTestId("error")).ToContainTextAsync("Allow it in the address bar");
        await Assertions.Expect(page.GetByTestId("go-live")).ToBeEnabledAsync();
    }
}
