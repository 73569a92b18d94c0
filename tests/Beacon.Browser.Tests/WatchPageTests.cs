using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The page of a viewer: the picture and its controls, tips, and the wallet.</summary>
[Collection(nameof(Browsers))]
public sealed class WatchPageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const float PatienceMs = 30_000;

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task A_viewer_sets_picture_sound_and_delay_tips_and_takes_the_statement_along(string size)
    {
        var screen = Screen.Named(size);
        var root = await BroadcastAsync("Concert");
        var viewer = await WatchAsync("Guest", (await root.StatsAsync()).StreamId);
        var page = viewer.Page;
        await page.SetViewportSizeAsync(screen.Width, screen.Height);
        await viewer.SeesTheLivePictureAsync();
        // Nothing that was said on the way there stands before the picture.
        await Assertions.Expect(page.Locator(".player-state")).ToHaveCountAsync(0);
        await Assertions.Expect(page.GetByTestId("relay-strip")).ToContainTextAsync("earned");
        await AuditAsync(page, "watch", screen);

        await page.GetByTestId("player-settings").ClickAsync();
        await page.GetByTestId("delay-500").CheckAsync();
        await viewer.SeesTheLivePictureAsync();
        Assert.InRange(await LatencyAsync(page), 450, 3_000);
        await page.GetByTestId("picture-key-frames").CheckAsync();
        var sparing = await viewer.StatsAsync();
        await viewer.WaitAsync(stats => stats.BytesReceived > sparing.BytesReceived + 100_000, "what it relays");
        // A hundred kilobytes at 500 kbit/s are well over a second: at 15 pictures a second more than 20, of key frames two or three.
        Assert.InRange((await viewer.StatsAsync()).FramesDecoded - sparing.FramesDecoded, 0, 12);
        await page.GetByTestId("picture-full").CheckAsync();
        await page.GetByTestId("delay-0").CheckAsync();
        await viewer.SeesTheLivePictureAsync();
        await Assertions.Expect(page.GetByTestId("picture-facts")).ToContainTextAsync("320 × 180");
        await AuditAsync(page, "watch-settings", screen);

        await page.GetByTestId("sound").ClickAsync();
        await page.GetByTestId("sound").ClickAsync();
        await Assertions.Expect(page.GetByTestId("sound")).ToHaveAttributeAsync("aria-pressed", new System.Text.RegularExpressions.Regex("true|false", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        await page.GetByTestId("full-screen").ClickAsync();
        await page.WaitForFunctionAsync("() => document.fullscreenElement?.className === 'player'");
        await page.GetByTestId("full-screen").ClickAsync();
        await page.WaitForFunctionAsync("() => document.fullscreenElement === null");

        // Without credits the page says what to do.
        await page.GetByTestId("tip-10").ClickAsync();
        await page.GetByTestId("tip-send").ClickAsync();
        await Assertions.Expect(page.GetByTestId("tip-problem")).ToContainTextAsync("Relay a while");
        await DepositAsync((await viewer.StatsAsync()).AccountId, 25);
        await page.GetByTestId("tip-send").ClickAsync();
        await Assertions.Expect(page.GetByTestId("tip-result")).ToContainTextAsync("10 credits given");
        await Assertions.Expect(page.GetByTestId("tip-result").Locator("li")).ToHaveCountAsync(1);

        await page.GetByTestId("open-wallet").ClickAsync();
        await Assertions.Expect(page.GetByTestId("wallet-balance")).ToHaveTextAsync("15", new() { Timeout = PatienceMs });
        await Assertions.Expect(page.GetByTestId("history").Locator("li")).ToHaveCountAsync(2);
        await AuditAsync(page, "wallet", screen);
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByTestId("download-statement").ClickAsync());
        var lines = await File.ReadAllLinesAsync(await download.PathAsync(), TestContext.Current.CancellationToken);
        Assert.Equal("number,time,kind,change,balance,from,to,about,transfer", lines[0]);
        Assert.Equal([["Deposit", "25", "25"], ["Tip", "-10", "15"]], lines[2..].Select(line => line.Split(',')[2..5]));
        await Assertions.Expect(page.GetByTestId("statement-saved")).ToContainTextAsync("2 transfers");

        await page.GetByTestId("withdraw-amount").FillAsync("4");
        await page.GetByTestId("withdraw").ClickAsync();
        await Assertions.Expect(page.GetByTestId("withdrawals")).ToContainTextAsync("waits for an operator");
        await Assertions.Expect(page.GetByTestId("wallet-available")).ToHaveTextAsync("11", new() { Timeout = PatienceMs });
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.GetByTestId("wallet")).ToHaveCountAsync(0);
    }

    private static Task<double> LatencyAsync(IPage page) => page.EvaluateAsync<double>("() => window.beacon.stats().latencyMs");
}
