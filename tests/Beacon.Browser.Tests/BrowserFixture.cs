using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>A real server, and Debian's Chromium with real WebRTC over loopback.</summary>
public class BrowserFixture : IAsyncLifetime
{
    internal const string Chromium = "/usr/bin/chromium";
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Real WebRTC over loopback, for every browser of these tests.</summary>
    internal static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
        // All pages are visible to a user of a real browser; here only one can be.
        "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    ];

    public BrowserFixture() : this(null)
    {
    }

    protected BrowserFixture(IReadOnlyDictionary<string, string>? settings) => Server = new BeaconServer(settings);

    public BeaconServer Server { get; }

    public RestClient Rest => field ??= new RestClient(Server.Http);

    /// <summary>Why these tests cannot run here, or null.</summary>
    public static string? Missing =>
        !File.Exists(Chromium) ? $"{Chromium} is not installed (apt-get install chromium; ./test.sh does it)."
        : !File.Exists(Path.Combine(Repository.Root, "services/Signaling/wwwroot/index.html")) ? "The web pages are not built (Node 20 was not there at the build)."
        : null;

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
            return;
        await Server.StartAsync();
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Args = Arguments,
        });
    }

    /// <summary>Goes live with the test pattern, as a user of the page would.</summary>
    public async Task<PeerPage> BroadcastAsync(string name, int maxChildren = 2) =>
        await OpenAsync(name, $"/live?source=pattern&title={Uri.EscapeDataString(name)}&bitrate=500&maxChildren={maxChildren}&width=320&height=180&fps=15&uplink=20&autostart=1&name={Uri.EscapeDataString(name)}");

    /// <summary>Opens the watch page in a browser profile of its own, so that it is an account of its own.</summary>
    /// <param name="script">Runs in the page before anything of its own.</param>
    /// <param name="relayOnly">It hides its address behind the TURN server.</param>
    public async Task<PeerPage> WatchAsync(string name, string streamId, double uplinkMbps = 5, string? script = null, bool relayOnly = false) =>
        await OpenAsync(name, WatchPath(name, streamId, uplinkMbps) + (relayOnly ? "&relayOnly=1" : ""), script: script);

    /// <summary>The same in a browser that is a process of its own, to be killed.</summary>
    public async Task<(KillableBrowser Browser, PeerPage Page)> WatchInOwnBrowserAsync(string name, string streamId, double uplinkMbps)
    {
        var own = await KillableBrowser.StartAsync(_playwright!);
        return (own, await OpenAsync(name, WatchPath(name, streamId, uplinkMbps), own.Browser));
    }

    /// <summary>Opens a page as a visitor of its own, at the size of a screen.</summary>
    public async Task<IPage> VisitAsync(string path, Screen screen)
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = screen.Size,
            Permissions = ["camera", "microphone", "clipboard-write"],
            AcceptDownloads = true,
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(Server.Http, path).ToString());
        return page;
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        Rest.Dispose();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private static string WatchPath(string name, string streamId, double uplinkMbps) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/watch/{streamId}?uplink={uplinkMbps}&autostart=1&name={Uri.EscapeDataString(name)}");

    private async Task<PeerPage> OpenAsync(string name, string path, IBrowser? browser = null, string? script = null)
    {
        var context = await (browser ?? _browser!).NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 900, Height = 700 },
            // Without the permission Chromium hides loopback candidates.
            Permissions = ["camera", "microphone"],
        });
        if (script is not null)
            await context.AddInitScriptAsync(script);
        var page = await context.NewPageAsync();
        var peer = new PeerPage(name, page);
        await page.GotoAsync(new Uri(Server.Http, path).ToString());
        await peer.WaitAsync(stats => stats.StreamId.Length > 0 && stats.PeerId.Length > 0, "its stream");
        return peer;
    }
}

/// <summary>All browser tests share one server and run one after the other: the machine's cores carry no more.</summary>
[CollectionDefinition(nameof(Browsers))]
public sealed class Browsers : ICollectionFixture<BrowserFixture>;
