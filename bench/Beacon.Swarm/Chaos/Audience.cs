using System.Net;
using Beacon.Swarm.Wire;
using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>Synthetic viewers of some streams, so that each replica of Topology owns some of them.</summary>
internal sealed class Audience : IAsyncDisposable
{
    /// <summary>Two slots and a bit: a tree in which most viewers are somebody's parent or child.</summary>
    private const double UplinkMbps = 2.5 * SteadyPeer.BitrateKbps / 1000 / 0.8;

    private readonly IPEndPoint _server;
    private readonly List<SteadyPeer> _roots = [];
    private readonly List<SteadyPeer> _viewers = [];
    private readonly List<SteadyPeer> _gone = [];

    private Audience(IPEndPoint server) => _server = server;

    public IReadOnlyList<SteadyPeer> Roots => _roots;

    public static async Task<Audience> StartAsync(Crowd crowd, int streams, int viewers)
    {
        var audience = new Audience(crowd.Endpoint);
        var guests = await crowd.GuestsAsync(streams + viewers);
        foreach (var guest in guests[..streams])
            audience._roots.Add(audience.Begin(guest, null));
        await UntilAsync(() => audience._roots.All(root => root.IsInPlace));
        for (var index = 0; index < viewers; index++)
            audience._viewers.Add(audience.Begin(guests[streams + index], audience._roots[index % streams].StreamId));
        await UntilAsync(() => audience._viewers.All(viewer => viewer.IsInPlace));
        return audience;
    }

    /// <summary>Times out of a place count from here.</summary>
    public void BeginAnew()
    {
        foreach (var peer in _roots.Concat(_viewers))
            peer.BeginAnew();
    }

    /// <summary>In each stream a relay goes, and somebody comes: whoever decides must decide now.</summary>
    /// <returns>Those who came.</returns>
    public IReadOnlyList<SteadyPeer> Stir()
    {
        var newcomers = new List<SteadyPeer>();
        foreach (var root in _roots)
        {
            var members = _viewers.Where(viewer => viewer.StreamId == root.StreamId).ToList();
            var children = members.ToLookup(viewer => viewer.ParentId, StringComparer.Ordinal);
            // Of those that can still say goodbye; a relay whose server is gone just goes on relaying.
            if (members.Where(viewer => viewer.IsInPlace && children[viewer.PeerId].Any()).MaxBy(viewer => children[viewer.PeerId].Count()) is not { } relay || !relay.TryGo())
                continue;
            _viewers.Remove(relay);
            _gone.Add(relay);
            foreach (var child in children[relay.PeerId])
                child.LoseParent(relay.PeerId);
            newcomers.Add(Begin(relay.Guest, root.StreamId));
        }

        _viewers.AddRange(newcomers);
        return newcomers;
    }

    /// <summary>The longest time that each viewer was out of its place, newcomers left out, of those that were.</summary>
    public IReadOnlyList<TimeSpan> TimesOut(IReadOnlyList<SteadyPeer> newcomers) =>
        [.. _viewers.Except(newcomers).Select(viewer => viewer.LongestOut).Where(time => time > TimeSpan.Zero).Order()];

    /// <summary>Whatever is wrong in a stream, as sentences.</summary>
    public async Task<IReadOnlyList<string>> ProblemsAsync(RestClient rest)
    {
        var problems = new List<string>();
        foreach (var root in _roots)
        {
            if (!root.IsInPlace)
                problems.Add($"the broadcaster of {root.StreamId} is out ({root.LastRefusal})");
            var members = _viewers.Where(viewer => viewer.StreamId == root.StreamId).ToList();
            problems.AddRange(members.Where(viewer => !viewer.IsInPlace).Select(viewer => $"{viewer.PeerId} is out ({viewer.LastRefusal})"));
            if (problems.Count == 0)
                problems.AddRange((await TreeView.ReadAsync(rest, root.StreamId)).Problems(root.PeerId, [.. members.Select(viewer => (viewer.PeerId, viewer.ParentId))]));
        }

        return problems;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _viewers.Concat(_gone).Concat(_roots))
            await peer.DisposeAsync();
    }

    private SteadyPeer Begin(Wire.Guest guest, string? streamId)
    {
        var peer = new SteadyPeer(guest, _server, streamId, streamId is null ? 1_000 : UplinkMbps);
        peer.Start();
        return peer;
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!isSo())
            await tick.WaitForNextTickAsync(late.Token);
    }
}
