using System.Text.Json;
using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>Tests of what the pages show and let people do. Pictures of them are kept in <c>artifacts/pages</c>.</summary>
public abstract class ConsoleTests(BrowserFixture fixture) : PagesTests(fixture)
{
    protected const long Credit = 1_000_000;
    private static readonly string Pictures = Path.Combine(Repository.Root, "artifacts/pages");
    private static readonly string Axe = Path.Combine(Repository.Root, "clients/web/node_modules/axe-core/axe.min.js");

    /// <summary>On a picture of all that can be scrolled to, bars stand where the page begins and ends.</summary>
    private const string WholePage = ".app { position: relative !important } .bar { position: static !important } @media (max-width: 760px) { .nav { position: absolute !important } }";

    private readonly List<IPage> _visits = [];
    private readonly List<string> _uncaught = [];

    /// <summary>Streams and viewers of the test that have no browser.</summary>
    protected List<SyntheticPeer> Crowd { get; } = [];

    public override async ValueTask DisposeAsync()
    {
        foreach (var page in _visits)
            await page.Context.CloseAsync();
        foreach (var peer in Crowd)
            await peer.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
        Assert.Empty(_uncaught);
    }

    protected async Task<IPage> VisitAsync(string path, Screen screen)
    {
        var page = await Fixture.VisitAsync(path, screen);
        _visits.Add(page);
        page.PageError += (_, error) => _uncaught.Add($"{page.Url}: {error}");
        return page;
    }

    /// <summary>Who the tab of a page is.</summary>
    protected static async Task<Guest> GuestOfAsync(IPage page)
    {
        await Assertions.Expect(page.GetByTestId("account")).ToHaveCountAsync(1);
        var text = await page.EvaluateAsync<string>("() => sessionStorage.getItem('beacon.guest')");
        var guest = JsonDocument.Parse(text).RootElement;
        return new Guest(Text("accountId"), Text("accessToken"), Text("refreshToken"), Text("channel"));

        string Text(string name) => guest.GetProperty(name).GetString()!;
    }

    protected async Task<SyntheticPeer> GoLiveAsync(string title, Guest? broadcaster = null)
    {
        var peer = await SyntheticPeer.BroadcastAsync(Fixture.Server, broadcaster ?? await Fixture.Rest.GuestAsync(title), title);
        Crowd.Add(peer);
        return peer;
    }

    protected async Task<SyntheticPeer> JoinAsync(string streamId, double uplinkMbps = 5)
    {
        var peer = await SyntheticPeer.WatchAsync(Fixture.Server, await Fixture.Rest.GuestAsync("One of many"), streamId, uplinkMbps);
        Crowd.Add(peer);
        return peer;
    }

    protected async Task DepositAsync(string accountId, long credits)
    {
        var banker = await Fixture.Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var answer = await Fixture.Rest.PostAsync("/api/deposits", new { accountId, amountMicrocredits = credits * Credit, transferId = Guid.NewGuid() }, banker);
        Assert.Equal(200, answer.Status);
    }

    /// <summary>axe-core finds nothing on the page, neither in light nor in dark colours; nothing is wider than the screen; a picture of both is kept.</summary>
    protected static async Task AuditAsync(IPage page, string name, Screen screen)
    {
        Directory.CreateDirectory(Pictures);
        if (!await page.EvaluateAsync<bool>("() => 'axe' in window"))
            await page.AddScriptTagAsync(new PageAddScriptTagOptions { Path = Axe });
        // A dialog covers what is seen, and not what can be scrolled to.
        var isWhole = await page.Locator("dialog[open]").CountAsync() == 0;
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
            // The colours are there when they have been drawn, and what changes slowly has changed.
            await page.EvaluateAsync(
                """
                async () => {
                  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                  await drawn();
                  await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
                  await drawn();
                }
                """);
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, $"{name}-{screen.Name}-{scheme}.png".ToLowerInvariant()), FullPage = isWhole, Style = WholePage });
            var found = await page.EvaluateAsync<string[]>(
                """
                async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(
                  ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} (${failureSummary})`).join('; ')}`)
                """);
            Assert.True(found.Length == 0, $"{name} on a {screen.Name}, {scheme}:\n{string.Join('\n', found)}");
        }

        Assert.Equal(0, await page.EvaluateAsync<int>("() => Math.max(0, document.documentElement.scrollWidth - innerWidth)"));
    }
}
