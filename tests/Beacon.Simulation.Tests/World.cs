using System.Security.Cryptography;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;
using StackExchange.Redis;

namespace Beacon.Simulation.Tests;

/// <summary>A stream with its audience: peers behind edges, the owner and its successors, the journal, and what goes wrong between them.</summary>
internal sealed class World : IDisposable
{
    public const string StreamId = "0198a000-0000-7000-8000-00000000beac";

    private const int BytesPerMs = 2_500 / 8;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly TopologyMetrics _metrics = new();
    private readonly TopologyOptions _options = new() { ExcludeSameAddressBlock = false };
    private readonly List<Replica> _replicas = [];
    private readonly SortedDictionary<string, SimulatedPeer> _peers = new(StringComparer.Ordinal);
    private readonly Dictionary<long, string> _settled = [];
    private readonly Dictionary<string, long> _paid = new(StringComparer.Ordinal);
    private readonly Dictionary<(string PeerId, int Stripe, long Number), (Replica By, PeerDirective Directive)> _told = [];
    private readonly List<string> _violations = [];
    private Replica? _owner;
    private Task? _activation;
    private int _nextPeer;
    private uint _sequence;

    public World(int seed)
    {
        Time = new VirtualTime(seed);
        Journal = new SimulatedJournal(Time);
        _peers["root"] = new SimulatedPeer("root", "edge-0", uplinkMbps: 20);
    }

    public VirtualTime Time { get; }

    public SimulatedJournal Journal { get; }

    public bool IsChaos { get; private set; }

    public int Ends { get; set; }

    /// <summary>Owners that had the stream, without the first.</summary>
    public int OwnerChanges { get; private set; } = -1;

    public int SettledWindows => _settled.Count;

    public int PaidWindows { get; private set; }

    public int Outages { get; private set; }

    private IEnumerable<SimulatedPeer> Watching => _peers.Values.Where(peer => !peer.HasLeft);

    public static bool IsOfTheJournal(Exception exception) => exception is RedisException or TimeoutException;

    public void Dispose() => _metrics.Dispose();

    /// <summary>An audience comes and goes while everything that may fail does.</summary>
    public void Storm(TimeSpan duration)
    {
        IsChaos = true;
        Journal.FaultRate = 0.03;
        Start();
        Report();
        Age();
        Come();
        Strike();
        Time.Run(duration);
    }

    /// <summary>Nothing fails any more, nobody comes or goes: what was lost is made good.</summary>
    public void Calm(TimeSpan duration)
    {
        IsChaos = false;
        Journal.FaultRate = 0;
        Journal.ComeBack();
        Time.Run(duration);
    }

    public void End()
    {
        Call<bool>(async owner => await owner.End("ended", accountId: null), _ => { });
        // Ended peers ask no more.
        foreach (var peer in _peers.Values)
            peer.HasLeft = true;
        Time.Run(TimeSpan.FromSeconds(30));
        Check(Ends > 0, "nobody was told that the stream is over");
        Check(Journal.Peek(StreamId) is null, "the record of the ended stream is there");
        Check(!Journal.Live.Any(), "the ended stream is listed");
        Check(!_replicas.Exists(replica => replica is { IsDead: false, IsReleased: false, Owner.HasStream: true }), "an owner of the ended stream is left");
    }

    /// <summary>A message that nobody answers.</summary>
    public void Network(Action deliver)
    {
        if (!IsChaos)
        {
            Time.After(Time.Between(1, 20), deliver);
            return;
        }

        if (Time.Chance(0.1))
            return;
        Time.After(Time.Chance(0.1) ? Time.Between(100, 8_000) : Time.Between(1, 50), deliver);
        if (Time.Chance(0.05))
            Time.After(Time.Between(1, 3_000), deliver);
    }

    /// <summary>Edges go by the number alone, so what an owner that is gone has said under a number, its successor says nothing else under.</summary>
    public void Told(Replica by, IReadOnlyList<PeerDirective> directives)
    {
        foreach (var directive in directives)
        {
            var key = (directive.PeerId, directive.Stripe, directive.Version);
            if (_told.TryAdd(key, (by, directive)))
                continue;
            var (before, told) = _told[key];
            // Owners that both live may begin with a peer in the same millisecond.
            Check(told.Equals(directive) || before == by || !before.IsDead, $"number {directive.Version} of {directive.PeerId} was {told.Kind} and is {directive.Kind}");
        }
    }

    public void Deliver(string edgeId, IReadOnlyList<PeerDirective> directives)
    {
        foreach (var directive in directives)
        {
            if (_peers.TryGetValue(directive.PeerId, out var peer) && peer.EdgeId == edgeId)
                peer.Apply(directive);
        }
    }

    public void Deliver(string edgeId, long window, Challenge challenge)
    {
        foreach (var peer in Watching.Where(peer => peer.EdgeId == edgeId && Feeder(peer) is not null))
            peer.Answer = (window, challenge.Answer(peer.Id));
    }

    public void Settled(RelayWorkVerified work)
    {
        Check(Journal.RecordedWindows.Contains(work.Window), $"window {work.Window} was published before it was recorded");
        var content = $"{work.Viewers}: {string.Join(", ", work.Relays.Select(relay => $"{relay.AccountId} {relay.VerifiedBytes}"))}";
        if (!_settled.TryAdd(work.Window, content))
        {
            Check(_settled[work.Window] == content, $"window {work.Window} was settled as {_settled[work.Window]} and as {content}");
            return;
        }

        if (work.Relays.Count > 0)
            PaidWindows++;
        foreach (var relay in work.Relays)
            _paid[relay.AccountId] = _paid.GetValueOrDefault(relay.AccountId) + relay.VerifiedBytes;
    }

    /// <summary>What must hold once all is calm.</summary>
    public IReadOnlyList<string> Verdict()
    {
        var owners = _replicas.Where(replica => replica is { IsDead: false, IsReleased: false, Owner.HasStream: true }).ToList();
        Check(owners.Count == 1, $"{owners.Count} owners believe that the stream is theirs");
        if (owners.Count != 1)
            return _violations;
        var tree = owners[0].Owner.GetTree(0, 10_000, 0, afterPeerId: null).Value!;
        Check(owners[0].Owner.Get().Value!.IsJournaled, "the stream is not journalled");
        Check(tree.Waiting.Count == 0, $"{tree.Waiting.Count} peers wait, and there is room");
        var places = tree.Peers.ToDictionary(peer => peer.PeerId, StringComparer.Ordinal);
        Check(places.Keys.Order(StringComparer.Ordinal).SequenceEqual(Watching.Select(peer => peer.Id).Order(StringComparer.Ordinal)),
            $"the tree has {string.Join(' ', places.Keys.Except(Watching.Select(peer => peer.Id)))} too many and lacks {string.Join(' ', Watching.Select(peer => peer.Id).Except(places.Keys))}");
        foreach (var place in places.Values)
        {
            var at = place;
            for (var steps = 0; at.ParentId is not null; steps++)
            {
                Check(steps <= places.Count, $"{place.PeerId} is in a cycle");
                if (steps > places.Count || !places.TryGetValue(at.ParentId, out at!))
                    break;
            }

            Check(at is { PeerId: "root" }, $"no path leads from {place.PeerId} to the root");
        }

        foreach (var peer in Watching)
        {
            if (!places.TryGetValue(peer.Id, out var place))
                continue;
            Check(peer.ParentId == place.ParentId, $"{peer.Id} believes that its parent is {peer.ParentId}, and it is {place.ParentId}");
            Check(peer.StandbyId == place.StandbyId, $"{peer.Id} believes that its standby is {peer.StandbyId ?? "nobody"}, and it is {place.StandbyId ?? "nobody"}");
        }

        var record = Journal.Peek(StreamId);
        var recorded = (record?.Peers ?? []).Select(peer => (peer.Member.PeerId, peer.Places.Single().Place.ParentId)).Order().ToList();
        Check(recorded.SequenceEqual(places.Values.Select(place => (place.PeerId, place.ParentId)).Order()), "the record is another tree");
        foreach (var (account, bytes) in _paid)
        {
            var moved = _peers.Values.Where(peer => peer.AccountId == account).Sum(peer => peer.Sent.Values.Sum());
            Check(bytes <= moved, $"{account} was paid for {bytes} bytes and moved {moved}");
        }

        return _violations;
    }

    /// <summary>Each peer comes back, as after a break of its connection: it hears its place under numbers above all that it heard before.</summary>
    public IReadOnlyList<string> VerdictOnReturn()
    {
        foreach (var peer in Watching.Where(peer => peer.Id != "root").ToList())
        {
            // One by one, so that what each is told arrives in order.
            Join(peer);
            Time.Run(TimeSpan.FromMilliseconds(200));
        }

        var tree = _replicas.Single(replica => replica is { IsDead: false, IsReleased: false, Owner.HasStream: true }).Owner.GetTree(0, 10_000, 0, afterPeerId: null).Value!;
        Check(tree.Peers.Any(place => place.StandbyId is not null), "nobody has a standby");
        foreach (var place in tree.Peers)
        {
            var peer = _peers[place.PeerId];
            Check(peer.ParentId == place.ParentId, $"{peer.Id} came back and believes that its parent is {peer.ParentId}, and it is {place.ParentId}");
            Check(peer.StandbyId == place.StandbyId, $"{peer.Id} came back and believes that its standby is {peer.StandbyId ?? "nobody"}, and it is {place.StandbyId ?? "nobody"}");
        }

        return _violations;
    }

    private void Check(bool holds, string what)
    {
        if (!holds)
            _violations.Add($"{Time.Clock.GetUtcNow():mm:ss.fff} {what}");
    }

    /// <summary>Who feeds a peer now: its parent, when data comes down to that one.</summary>
    private SimulatedPeer? Feeder(SimulatedPeer peer)
    {
        var at = peer;
        for (var steps = 0; at.Id != "root"; steps++)
        {
            if (at.ParentId is null || steps > _peers.Count || !_peers.TryGetValue(at.ParentId, out at!) || at.HasLeft)
                return null;
        }

        return peer.ParentId is null ? null : _peers[peer.ParentId];
    }

    private void Start()
    {
        var command = new StartCommand(_peers["root"].Member, "channel", "A title", 2_500, 20, MaxChildren: 4, Resume: true);
        Call(owner => owner.Start(command), reply =>
        {
            if (reply?.Refusal != Refusal.None)
                Time.After(TimeSpan.FromMilliseconds(500), Start);
        });
    }

    private void Come()
    {
        if (!IsChaos)
            return;
        if (Watching.Count() < 40)
        {
            // Everybody can serve two, so that there is room for all once all is calm.
            var peer = new SimulatedPeer($"p{_nextPeer++:D3}", $"edge-{Time.Random.Next(3)}", uplinkMbps: 4 + (Time.Random.Next(4) * 5));
            _peers.Add(peer.Id, peer);
            Join(peer);
        }

        if (Time.Chance(0.3) && Watching.Where(peer => peer.Id != "root").ToList() is { Count: > 5 } some)
        {
            var leaving = some[Time.Random.Next(some.Count)];
            leaving.HasLeft = true;
            // Some are just gone.
            if (Time.Chance(0.8))
                Execute(new StreamCommand(null, new LeaveCommand([leaving.Id], leaving.EdgeId)), _ => { });
        }

        Time.After(Time.Between(100, 1_200), Come);
    }

    private void Join(SimulatedPeer peer)
    {
        peer.IsJoining = true;
        Execute(new StreamCommand(new JoinCommand(peer.Member, peer.UplinkMbps, 20), null), reply =>
        {
            if (peer.HasLeft)
                return;
            if (reply?.Refusal != Refusal.None)
            {
                Time.After(TimeSpan.FromMilliseconds(800), () => Join(peer));
                return;
            }

            peer.IsJoining = false;
            if (!reply.Value!.IsJournaled)
                return;
            peer.AcknowledgedAtMs = Time.NowMs;
        });
    }

    private void Execute(StreamCommand command, Action<Reply<Topology.Streams.StreamInfo>?> done) => Call(owner => owner.Execute([command]), reply =>
    {
        if (reply is null)
            done(null);
        else if (reply.Refusal != Refusal.None)
            done(reply.Refusal);
        else
            done(reply.Value!.Refusals[0] == Refusal.None ? reply.Value.Stream : reply.Value.Refusals[0]);
    });

    /// <summary>Every two seconds each edge reports for its peers.</summary>
    private void Report()
    {
        foreach (var edge in Watching.Where(peer => !peer.IsJoining).GroupBy(peer => peer.EdgeId))
        {
            var digests = edge.Any(peer => peer.Id == "root") ? [new AnnouncedDigest("root", 0, ++_sequence, SHA256.HashData(BitConverter.GetBytes(_sequence)))] : Array.Empty<AnnouncedDigest>();
            var reports = new EdgeReports(edge.Key, [.. edge.Select(peer => peer.Report(Feeder(peer) is not null))], digests);
            var ids = edge.Select(peer => peer.Id).ToList();
            Replica? asked = null;
            var sentAtMs = Time.NowMs;
            Call(
                owner =>
                {
                    asked = _owner;
                    return owner.Report(reports);
                },
                reply =>
                {
                    if (reply is { Refusal: Refusal.UnknownStream })
                        Unknown(ids, sentAtMs);
                    if (reply is not { Refusal: Refusal.None, Value: { } unknown })
                        return;
                    foreach (var id in ids)
                    {
                        var peer = _peers[id];
                        if (peer.HasLeft)
                            continue;
                        if (!unknown.Contains(id))
                            peer.KnownAtMs = Time.NowMs;
                        else if (id == "root")
                            Start();
                        else if (!peer.IsJoining)
                            Forgotten(peer, asked, sentAtMs);
                    }
                });
        }

        Time.After(TimeSpan.FromSeconds(2), Report);
    }

    /// <summary>The stream is over, or was never recorded: as an edge does it, everybody comes again.</summary>
    private void Unknown(IReadOnlyList<string> ids, long sentAtMs)
    {
        foreach (var peer in ids.Select(id => _peers[id]).Where(peer => !peer.HasLeft))
        {
            Check(Ends > 0 || peer.AcknowledgedAtMs >= sentAtMs, $"{peer.Id} was acknowledged as recorded, and the stream is unknown");
            peer.AcknowledgedAtMs = long.MaxValue;
            if (peer.Id == "root")
                Start();
            else if (!peer.IsJoining)
                Join(peer);
        }
    }

    private void Forgotten(SimulatedPeer peer, Replica? asked, long sentAtMs)
    {
        var silentSince = Time.NowMs - (_options.PeerSilenceSeconds * 1000L) + 2_000;
        // An answer to what was asked before it was acknowledged says nothing.
        if (peer.AcknowledgedAtMs < sentAtMs && asked == _owner && (peer.KnownAtMs > silentSince || asked?.ActivatedAtMs > silentSince))
            Check(false, $"{peer.Id} was acknowledged as recorded, and is forgotten");
        peer.AcknowledgedAtMs = long.MaxValue;
        Join(peer);
    }

    /// <summary>Data flows along what peers believe.</summary>
    private void Age()
    {
        const int PerStepMs = 500;
        foreach (var peer in Watching)
        {
            if (Feeder(peer) is not { } parent)
                continue;
            parent.Sent[peer.Id] = parent.Sent.GetValueOrDefault(peer.Id) + (PerStepMs * BytesPerMs);
            peer.Received[parent.Id] = peer.Received.GetValueOrDefault(parent.Id) + (PerStepMs * BytesPerMs);
        }

        Time.After(TimeSpan.FromMilliseconds(PerStepMs), Age);
    }

    private void Strike()
    {
        if (!IsChaos)
            return;
        switch (Time.Random.Next(4))
        {
            case 0 when _owner is not null:
                _owner.IsDead = true;
                _owner = null;
                break;
            case 1:
                // It is taken for lost while it lives, and goes on until it learns that it is not the owner.
                _owner = null;
                break;
            case 2:
                Outages++;
                Journal.GoAway(Time.Between(500, 20_000), paused: true);
                break;
            default:
                Outages++;
                Journal.GoAway(Time.Between(500, 20_000), paused: false);
                break;
        }

        Time.After(Time.Between(3_000, 20_000), Strike);
    }

    /// <summary>A call to the owner, as an edge makes it: lost, doubled or late as messages are, and given up after a while.</summary>
    private void Call<T>(Func<StreamOwner, Task<Reply<T>>> call, Action<Reply<T>?> done)
    {
        var isDone = false;
        Time.After(Deadline, () => Done(null));
        Network(() => Time.Begin(async () =>
        {
            Reply<T>? reply;
            try
            {
                reply = await call(await Activated());
            }
            catch (Exception exception) when (IsOfTheJournal(exception))
            {
                reply = null;
            }

            Network(() => Done(reply));
        }));

        void Done(Reply<T>? reply)
        {
            if (isDone)
                return;
            isDone = true;
            done(reply);
        }
    }

    private async Task<StreamOwner> Activated()
    {
        if (_owner is null || _owner.IsReleased)
        {
            _owner = new Replica(this, _options, _metrics);
            _replicas.Add(_owner);
            _activation = _owner.Activate();
        }

        var owner = _owner;
        try
        {
            await _activation!;
            if (!owner.IsCounted && owner.Owner.HasStream)
            {
                owner.IsCounted = true;
                OwnerChanges++;
            }
        }
        catch (Exception exception) when (IsOfTheJournal(exception))
        {
            if (_owner == owner)
                _owner = null;
            owner.IsDead = true;
            throw;
        }

        return owner.Owner;
    }
}
