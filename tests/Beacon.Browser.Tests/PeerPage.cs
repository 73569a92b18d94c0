using System.Text.Json;
using System.Text.Json.Serialization;
using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>What <c>window.beacon.stats()</c> of a page says.</summary>
public sealed record PeerStats
{
    public string StreamId { get; init; } = "";

    public string PeerId { get; init; } = "";

    public string AccountId { get; init; } = "";

    public string AccessToken { get; init; } = "";

    /// <summary>Of its WebSocket.</summary>
    public string Connection { get; init; } = "";

    public IReadOnlyList<ParentStats> Parents { get; init; } = [];

    public IReadOnlyList<string> ChildPeerIds { get; init; } = [];

    public long BytesReceived { get; init; }

    public long BytesRelayed { get; init; }

    public long FramesDecoded { get; init; }

    /// <summary>Chunks that playback went on without.</summary>
    public long ChunksMissed { get; init; }

    /// <summary>The broadcaster's capture clock of the picture shown now.</summary>
    public double LastFrameTimestampUs { get; init; }

    public double? LastFrameAgeMs { get; init; }

    /// <summary>Read back from the pixels on the canvas.</summary>
    public int? LastFrameNumber { get; init; }

    /// <summary>Read back from the pixels on the canvas: Unix epoch in milliseconds, modulo 2^32.</summary>
    public long? LastFrameCaptureMs { get; init; }

    [JsonIgnore]
    public string ParentPeerId => Parents.Count > 0 ? Parents[0].ParentPeerId ?? "" : "";
}

/// <summary>One tree of <see cref="PeerStats"/>.</summary>
public sealed record ParentStats(int Stripe, string? ParentPeerId, string? AssignedPeerId, string? StandbyPeerId, bool StandbyOpen, int? Depth);

/// <summary>One open page: a broadcaster or a viewer.</summary>
public sealed class PeerPage
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly List<string> _console = [];

    public PeerPage(string name, IPage page)
    {
        Name = name;
        Page = page;
        page.Console += (_, message) => _console.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => _console.Add($"uncaught: {error}");
    }

    public string Name { get; }

    public IPage Page { get; }

    public async Task<PeerStats> StatsAsync()
    {
        var text = await Page.EvaluateAsync<string>("() => JSON.stringify(window.beacon?.stats() ?? {})");
        return JsonSerializer.Deserialize<PeerStats>(text, Json)!;
    }

    public async Task<Guest> GuestAsync()
    {
        var stats = await StatsAsync();
        return new Guest(stats.AccountId, stats.AccessToken, "", "");
    }

    /// <summary>Waits until the page's peer is as described.</summary>
    public async Task<PeerStats> WaitAsync(Func<PeerStats, bool> fits, string what, int seconds = 30)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            var stats = await StatsAsync();
            if (fits(stats))
                return stats;
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(seconds))
                throw new TimeoutException($"{Name} did not have {what} within {seconds} s: {stats}\n{string.Join('\n', _console.TakeLast(20))}");
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until new pictures are drawn, and checks the clock that stands in their pixels.</summary>
    public async Task<PeerStats> SeesTheLivePictureAsync(int seconds = 30)
    {
        var before = await StatsAsync();
        var stats = await WaitAsync(
            now => now.FramesDecoded >= before.FramesDecoded + 10 && now.LastFrameNumber is not null && now.LastFrameNumber != before.LastFrameNumber
                && now.LastFrameAgeMs < 500 && ClockErrorMs(now) < 2_000,
            "a moving picture with the right clock",
            seconds);
        return stats;
    }

    /// <summary>The longest time without a new picture since this was asked last, the wait that is not over included.</summary>
    public Task<double> TakeLongestBreakMsAsync() => Page.EvaluateAsync<double>("() => window.beacon.takeLongestBreak()");

    public Task CloseAsync() => Page.Context.CloseAsync();

    private static double ClockErrorMs(PeerStats stats)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() & 0xFFFF_FFFF;
        return stats.LastFrameCaptureMs is { } shown ? Math.Abs(now - shown) : double.MaxValue;
    }
}
