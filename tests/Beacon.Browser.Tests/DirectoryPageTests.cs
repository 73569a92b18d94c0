using System.Globalization;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The first page: what is live, and how it is found.</summary>
[Collection(nameof(Browsers))]
public sealed class DirectoryPageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const int Many = 100;
    private const int Loads = 5;

    /// <summary>The aim is one second. What a page takes depends on what else the machine does, so it is printed; so much it takes only when something is wrong.</summary>
    private const double FarTooLongMs = 5_000;

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task Streams_are_found_by_title_and_tag_and_come_and_go_as_they_begin_and_end(string size)
    {
        var screen = Screen.Named(size);
        var word = Guid.NewGuid().ToString("N")[..12];
        var pianist = await Fixture.Rest.GuestAsync("Pianist");
        var settings = new { tags = new[] { $"piano-{word}" }, language = "pt-BR" };
        Assert.Equal(200, (await Fixture.Rest.PutAsync($"/api/channels/{pianist.Channel}/settings", settings, pianist)).Status);
        await GoLiveAsync($"Nocturnes {word}", pianist);
        var other = await Fixture.Rest.GuestAsync("Other");
        var second = await GoLiveAsync($"Bicycles {word}", other);

        var page = await VisitAsync("/", screen);
        await page.GetByTestId("search").FillAsync(word);
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(2);
        await AuditAsync(page, "directory", screen);

        await page.GetByTestId("search").FillAsync($"nocturnes {word}");
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(1);
        await page.GetByTestId("search").FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = $"Only streams with the tag piano-{word}" }).ClickAsync();
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(1);
        await Assertions.Expect(page.GetByTestId("stream")).ToContainTextAsync("Nocturnes");
        Assert.Contains($"tag=piano-{word}", page.Url, StringComparison.Ordinal);
        await page.GetByTestId("tag").ClickAsync();

        // Nobody asks for the page anew: the server tells. Under a mouse what is over would keep its place.
        await page.GetByTestId("search").HoverAsync();
        await page.GetByTestId("search").FillAsync(word);
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(2);
        await EndAsync(second.StreamId, other);
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(1, new() { Timeout = 15_000 });
        await GoLiveAsync($"Late {word}");
        await Assertions.Expect(page.GetByTestId("stream")).ToHaveCountAsync(2, new() { Timeout = 15_000 });

        await page.GetByTestId("search").FillAsync(Guid.NewGuid().ToString());
        await Assertions.Expect(page.GetByTestId("no-streams")).ToContainTextAsync("Nothing live fits");
        await AuditAsync(page, "directory-empty", screen);
    }

    [Fact]
    public async Task A_card_that_is_pointed_at_shows_the_moving_picture_to_who_is_signed_in()
    {
        // Of streams without viewers the older stands first, until the preview is the other's viewer.
        var older = await GoLiveAsync("Older");
        var root = await BroadcastAsync("Previewed");
        var streamId = (await root.StatsAsync()).StreamId;
        var page = await VisitAsync("/", Screen.Desktop);
        await page.GetByTestId("open-sign-in").ClickAsync();
        await AuditAsync(page, "sign-in", Screen.Desktop);
        await page.GetByTestId("guest-name").FillAsync("Curious");
        await page.GetByTestId("sign-in-button").ClickAsync();
        await Assertions.Expect(page.GetByTestId("account")).ToContainTextAsync("Curious");

        var card = page.Locator($"[data-testid=stream][data-stream-id='{streamId}']");
        await Assertions.Expect(card.GetByTestId("preview")).ToBeHiddenAsync();
        await card.HoverAsync();
        await Assertions.Expect(card.GetByTestId("preview")).ToBeVisibleAsync(new() { Timeout = 15_000 });
        await Assertions.Expect(card).ToContainTextAsync("1 viewer", new() { Timeout = 15_000 });
        var places = await page.GetByTestId("stream").EvaluateAllAsync<string[]>("cards => cards.map((card) => card.dataset.streamId)");
        Assert.True(Array.IndexOf(places, streamId) > Array.IndexOf(places, older.StreamId), "The card moved away from under the mouse.");
        await Assertions.Expect(card.GetByTestId("preview")).ToBeVisibleAsync();
        await page.GetByTestId("search").HoverAsync();
        await Assertions.Expect(card.GetByTestId("preview")).ToBeHiddenAsync();
        // What was seen last stays as the card's picture.
        await Assertions.Expect(card.Locator("img")).ToHaveAttributeAsync("src", new System.Text.RegularExpressions.Regex("^data:image/jpeg", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_hundred_streams_are_painted_at_once()
    {
        var guests = new List<Testing.Guest>();
        for (var i = 0; i < Many; i++)
            guests.Add(await Fixture.Rest.GuestAsync($"Channel {i}"));
        foreach (var guest in guests)
            await GoLiveAsync($"One of a hundred, {guest.Channel}", guest);

        var page = await VisitAsync("/alive", Screen.Desktop);
        await page.AddInitScriptAsync(
            """
            const look = () => document.querySelectorAll('[data-testid=stream]').length >= 100 ? (window.allCardsMs = performance.now()) : requestAnimationFrame(look);
            requestAnimationFrame(look);
            """);
        var paints = new List<(double First, double All)>();
        // The directory itself is a window behind the streams.
        await page.GotoAsync(Fixture.Server.Http.ToString());
        await page.WaitForFunctionAsync("() => window.allCardsMs", null, new() { Timeout = 60_000 });
        for (var i = 0; i < Loads; i++)
        {
            await page.GotoAsync(Fixture.Server.Http.ToString());
            // The browser tells of a paint after it.
            await page.WaitForFunctionAsync("() => window.allCardsMs && performance.getEntriesByName('first-contentful-paint').length > 0", null, new() { Timeout = 60_000 });
            paints.Add((
                await page.EvaluateAsync<double>("() => performance.getEntriesByName('first-contentful-paint')[0].startTime"),
                await page.EvaluateAsync<double>("() => window.allCardsMs")));
        }

        await AuditAsync(page, "directory-hundred", Screen.Desktop);
        foreach (var (peer, guest) in Crowd.Zip(guests))
            await EndAsync(peer.StreamId, guest);
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"Directory with {Many} streams, {Loads} loads: first paint {string.Join(' ', paints.Select(paint => paint.First.ToString("F0", CultureInfo.InvariantCulture)))} ms, all cards {string.Join(' ', paints.Select(paint => paint.All.ToString("F0", CultureInfo.InvariantCulture)))} ms"));
        Assert.InRange(paints.Min(paint => paint.All), 0, FarTooLongMs);
    }

    [Fact]
    public async Task The_keyboard_is_enough_and_the_colours_can_be_chosen()
    {
        var page = await VisitAsync("/", Screen.Desktop);
        await Assertions.Expect(page.GetByTestId("streams-status")).Not.ToHaveTextAsync("Looking …");
        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "To the content" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("main")).ToBeFocusedAsync();

        var signIn = page.GetByTestId("open-sign-in");
        await signIn.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByTestId("guest-name")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.GetByTestId("guest-name")).ToHaveCountAsync(0);
        await Assertions.Expect(signIn).ToBeFocusedAsync();

        var colours = page.GetByRole(AriaRole.Button, new() { Name = "Colours" });
        await colours.ClickAsync();
        await Assertions.Expect(page.Locator("html")).ToHaveCSSAsync("color-scheme", "light");
        await colours.ClickAsync();
        await Assertions.Expect(page.Locator("html")).ToHaveCSSAsync("color-scheme", "dark");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("html")).ToHaveCSSAsync("color-scheme", "dark");
    }

    [Fact]
    public async Task The_reference_of_the_sdk_is_a_link_away()
    {
        var page = await VisitAsync("/", Screen.Desktop);
        await page.GetByRole(AriaRole.Link, new() { Name = "SDK reference" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "beacon-client", Exact = true }).First).ToBeVisibleAsync();
        await page.GotoAsync(new Uri(Fixture.Server.Http, "/sdk/classes/BeaconClient.html").ToString());
        await Assertions.Expect(page.Locator("#broadcast")).ToBeVisibleAsync();
    }

    private async Task EndAsync(string streamId, Testing.Guest broadcaster) =>
        Assert.Equal(200, (await Fixture.Rest.PostAsync($"/api/streams/{streamId}/end", new { raidTarget = "none" }, broadcaster)).Status);
}
