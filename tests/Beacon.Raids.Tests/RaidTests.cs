using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Raids.Tests;

/// <summary>A host of Raids whose clock the test moves, with one live stream, <c>home</c>.</summary>
public abstract class RaidTests(GarnetFixture garnet, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Seed = 43;

    /// <summary>Longer than <see cref="FinalAsync"/> lets time go on, so that no test lives on a lease that ran out unless it says so.</summary>
    private protected const int LeaseSeconds = 30;

    private RaidsHost? _host;

    private protected FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());

    private protected RaidsHost Host => _host!;

    public async ValueTask InitializeAsync()
    {
        output.WriteLine($"seed {Seed}");
        await garnet.ClearAsync();
        _host = await StartAsync();
        // The deadlines of calls are reckoned by this clock and run out by the machine's: a slow start must not have used them up.
        Clock.SetUtcNow(TimeProvider.System.GetUtcNow());
        await Host.AddStreamAsync("home", viewers: 12);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Host.DisposeAsync();
    }

    private protected Task<RaidsHost> StartAsync(FakeTopology? topology = null) =>
        RaidsHost.StartAsync(garnet, Seed, topology, Clock, ("Beacon:Raids:PollMs", "50"), ("Beacon:Raids:EndTimeoutSeconds", "30"), ("Beacon:Raids:LeaseSeconds", $"{LeaseSeconds}"), ("Beacon:Raids:TargetCheckSeconds", "1"));

    private protected BroadcasterAway Away(string stream, int graceSeconds) => new(
        stream, $"channel-{stream}", $"account-{stream}", Host.Topology.Live[stream].StartedAt.ToDateTimeOffset(), Clock.GetUtcNow().AddSeconds(graceSeconds));

    private protected RaidRecord Record(string from, string to, int viewers) => Records.Proposed(Clock.GetUtcNow()) with
    {
        RaidId = Guid.CreateVersion7(Clock.GetUtcNow()).ToString(),
        SourceStreamId = from,
        SourceChannel = $"channel-{from}",
        BroadcasterAccountId = $"account-{from}",
        SourceStartedAtUnixMs = Host.Topology.Live[from].StartedAt.ToDateTimeOffset().ToUnixTimeMilliseconds(),
        Target = new RaidTarget(to, $"channel-{to}", $"Title of {to}", 0, 50),
        Viewers = viewers,
        MovesAt = Clock.GetUtcNow(),
        Seed = "",
    };

    private protected static List<TreePeer> Tree(string stream, int viewers, double uplinkMbps = 5) =>
    [
        new TreePeer { PeerId = $"root-{stream}" },
        .. Enumerable.Range(0, viewers).Select(index => new TreePeer
        {
            PeerId = $"p{index}",
            ParentPeerId = index < 4 ? $"root-{stream}" : $"p{(index - 4) / 2}",
            UplinkMbps = uplinkMbps,
        }),
    ];

    private protected async Task<RaidSummary> RaidAsync(string from, string target, uint? countdown = null, string? account = null)
    {
        var request = new StartRaidRequest { FromStreamId = from, TargetStreamId = target };
        if (countdown is { } seconds)
            request.CountdownSeconds = seconds;
        return (await Host.Client.StartRaidAsync(request, RaidsHost.As(account ?? $"account-{from}"))).Raid;
    }

    private protected async Task<Contracts.Raids.V1.EndStreamResponse> EndAsync(string stream, string target, string? account = null) =>
        await Host.Client.EndStreamAsync(new Contracts.Raids.V1.EndStreamRequest { StreamId = stream, RaidTarget = target }, RaidsHost.As(account ?? $"account-{stream}"));

    private protected async Task<RaidSummary> CancelAsync(string raidId, string account = "account-home") =>
        (await Host.Client.CancelRaidAsync(new CancelRaidRequest { RaidId = raidId }, RaidsHost.As(account))).Raid;

    private protected async Task<RaidSummary> GetAsync(string raidId) => (await Host.Client.GetRaidAsync(new GetRaidRequest { RaidId = raidId })).Raid;

    private protected async Task<IReadOnlyList<RaidSummary>> ListAsync(string channel) => (await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = channel })).Raids;

    /// <summary>Lets time go on in small steps until the raid is final.</summary>
    private protected async Task<RaidSummary> FinalAsync(string raidId)
    {
        for (var round = 0; round < 400; round++)
        {
            if (await GetAsync(raidId) is { Phase: RaidPhase.Done or RaidPhase.Cancelled or RaidPhase.Failed } final)
                return final;
            await PassAsync(TimeSpan.FromMilliseconds(50));
        }

        throw new TimeoutException($"The raid is still {(await GetAsync(raidId)).Phase}.");
    }

    private protected async Task<T> UntilAsync<T>(Task<T> what)
    {
        for (var round = 0; round < 800 && !what.IsCompleted; round++)
            await PassAsync(TimeSpan.FromMilliseconds(20));
        return what.IsCompleted ? await what : throw new TimeoutException("It did not come.");
    }

    /// <summary>Time goes on, five times as fast as outside, so that what waits for it and what calls others both come to their turn.</summary>
    private protected async Task PassAsync(TimeSpan time)
    {
        var step = TimeSpan.FromMilliseconds(Math.Min(50, time.TotalMilliseconds));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            Clock.Advance(step);
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    private protected static async Task<string?> ReasonAsync<T>(Func<Task<T>> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (RpcException exception)
        {
            return Fault.ReasonOf(exception);
        }
    }
}
