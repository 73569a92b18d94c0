using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>A browser that can be killed as the operating system kills: no page of it can say a word any more.</summary>
public sealed partial class KillableBrowser : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _profile;

    private KillableBrowser(Process process, string profile, IBrowser browser)
    {
        _process = process;
        _profile = profile;
        Browser = browser;
    }

    public IBrowser Browser { get; }

    public static async Task<KillableBrowser> StartAsync(IPlaywright playwright)
    {
        var profile = Directory.CreateTempSubdirectory("beacon-browser-").FullName;
        var process = Process.Start(new ProcessStartInfo(
            BrowserFixture.Chromium,
            [.. BrowserFixture.Arguments, "--headless=new", "--remote-debugging-port=0", "--no-default-browser-check", $"--user-data-dir={profile}", "about:blank"])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        // Read to the end, whatever Chromium has to say: a full pipe would stop it.
        var address = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                address.TrySetException(new InvalidOperationException("Chromium ended before it could be driven."));
            else if (DevTools().Match(line.Data) is { Success: true } found)
                address.TrySetResult(found.Groups["url"].Value);
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return new KillableBrowser(process, profile, await playwright.Chromium.ConnectOverCDPAsync(await address.Task));
    }

    /// <summary>SIGKILL to the browser and all its processes.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    [GeneratedRegex(@"^DevTools listening on (?<url>ws://\S+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex DevTools();
}
