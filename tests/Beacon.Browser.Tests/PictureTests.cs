using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The picture in the README: taken from the running console, as <c>artifacts/pages/console.jpg</c>.</summary>
[Collection(nameof(Browsers))]
public sealed class PictureTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const int Audience = 150;
    private const int MostBytes = 300_000;

    [Fact]
    public async Task The_picture_of_the_README_shows_a_stream_its_tree_and_a_viewer_on_a_phone()
    {
        var root = await BroadcastAsync("Night train over the Alps");
        var streamId = (await root.StatsAsync()).StreamId;
        var viewer = await WatchAsync("Noor", streamId);
        await viewer.SeesTheLivePictureAsync();
        await DepositAsync((await viewer.StatsAsync()).AccountId, 25);
        // Uplinks as people have them: many small, few large.
        for (var i = 0; i < Audience; i++)
            await JoinAsync(streamId, uplinkMbps: i % 4 == 0 ? 0.5 : 1 + (i * 7 % 23));

        var desk = await VisitAsync($"/operator/{streamId}", new Screen("wide", 1200, 860));
        await desk.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Dark });
        await Assertions.Expect(desk.GetByTestId("tree-picture")).ToHaveAttributeAsync("data-peers", $"{Audience + 2}", new() { Timeout = 60_000 });
        await desk.GetByTestId("peer-search").FillAsync(Crowd[^1].PeerId);
        await desk.Keyboard.PressAsync("Enter");
        await Assertions.Expect(desk.GetByTestId("peer-reason")).ToContainTextAsync("Decided");

        await desk.EvaluateAsync("() => document.activeElement.blur()");

        await viewer.Page.SetViewportSizeAsync(Screen.Phone.Width, Screen.Phone.Height);
        await viewer.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Light });
        await viewer.Page.GetByTestId("tip-5").ClickAsync();
        await viewer.SeesTheLivePictureAsync();

        var frame = await VisitAsync("/alive", new Screen("frame", 1560, 860));
        await frame.SetContentAsync(
            $$"""
            <body style="margin: 0; background: #0b0e14">
              <img src="{{await PictureOfAsync(desk)}}" style="display: block">
              <img src="{{await PictureOfAsync(viewer.Page)}}" style="position: absolute; right: 16px; top: 96px; height: 690px; border-radius: 24px; border: 5px solid #2a3342">
            </body>
            """);
        var file = Path.Combine(Repository.Root, "artifacts/pages/console.jpg");
        await frame.ScreenshotAsync(new PageScreenshotOptions { Path = file, Type = ScreenshotType.Jpeg, Quality = 82 });
        Assert.InRange(new FileInfo(file).Length, 50_000, MostBytes);
    }

    private static async Task<string> PictureOfAsync(IPage page) => $"data:image/png;base64,{Convert.ToBase64String(await page.ScreenshotAsync())}";
}
