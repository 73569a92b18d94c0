using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The page of a sponsor: fund, add, watch the delivery, end.</summary>
[Collection(nameof(Browsers))]
public sealed class SponsorPageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const float PatienceMs = 60_000;

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task A_sponsor_funds_a_stream_sees_what_is_delivered_and_gets_the_rest_back(string size)
    {
        var screen = Screen.Named(size);
        var root = await BroadcastAsync("Sponsored");
        var streamId = (await root.StatsAsync()).StreamId;
        var viewer = await WatchAsync("Audience", streamId);
        await viewer.SeesTheLivePictureAsync();

        var page = await VisitAsync($"/sponsor?name=Brand&stream={streamId}", screen);
        var sponsor = await GuestOfAsync(page);
        await Assertions.Expect(page.GetByTestId("sponsor-stream")).ToHaveValueAsync(streamId, new() { Timeout = PatienceMs });
        await page.GetByTestId("sponsor-budget").FillAsync("6");
        await page.GetByTestId("sponsor-create").ClickAsync();
        await Assertions.Expect(page.GetByTestId("error")).ToContainTextAsync("ask an operator for a deposit");

        await DepositAsync(sponsor.AccountId, 10);
        await page.GetByTestId("sponsor-rate").FillAsync("0.03");
        await Assertions.Expect(page.GetByTestId("sponsor-estimate")).ToContainTextAsync("200 viewer-minutes");
        await page.GetByTestId("sponsor-create").ClickAsync();
        await Assertions.Expect(page.GetByTestId("sponsorship")).ToContainTextAsync("of 6 credits spent");
        await page.GetByTestId("top-up-amount").FillAsync("1.5");
        await page.GetByTestId("top-up").ClickAsync();
        await Assertions.Expect(page.GetByTestId("sponsorship")).ToContainTextAsync("of 7.5 credits spent");

        // Paid for what the viewer verifiably watched, window by window.
        await page.WaitForFunctionAsync("() => Number(document.querySelector('[data-testid=delivered-minutes]')?.textContent) > 0", null, new() { Timeout = PatienceMs });
        await AuditAsync(page, "sponsor", screen);

        await page.GetByTestId("end-sponsorship").ClickAsync();
        await Assertions.Expect(page.GetByTestId("sponsorship")).ToContainTextAsync("ended");
        var spent = (await Fixture.Rest.GetAsync("/api/sponsorships", sponsor)).Body.GetProperty("sponsorships")[0].GetProperty("spentMicrocredits").GetString()!;
        Assert.Equal((10 * Credit) - long.Parse(spent, System.Globalization.CultureInfo.InvariantCulture), await Fixture.Rest.BalanceAsync(sponsor));
        Assert.NotEqual("0", spent);
    }
}
