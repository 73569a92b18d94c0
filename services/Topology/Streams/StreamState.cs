using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What the owner must do with the outside after a batch: write it, then tell it.</summary>
internal sealed record PendingBatch(StreamBatch Store, IReadOnlyList<Change> Changes, BatchEvents Events);

/// <summary>
/// A live stream in memory: its trees, one a stripe, its members and windows. Everything here is done in one turn and without I/O; the owner
/// writes and sends what <see cref="TakeBatch"/> hands over.
/// </summary>
internal sealed partial class StreamState
{
    /// <summary>Room for a million directives to one peer from when it came, or its owner.</summary>
    private const int NumberBits = 20;

    private readonly TopologyOptions _options;

    /// <summary>Of one stripe.</summary>
    private readonly TreeRules _rules;

    private readonly Dictionary<string, MemberState> _members = new(StringComparer.Ordinal);
    private readonly Roll _roll = new();
    private readonly Orphans _orphans = new();
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _joined = new(StringComparer.Ordinal);
    private readonly TreeWatch[] _watches;
    private List<Change> _changes = [];
    private BatchEvents _events = new();
    private bool _metaChanged;
    private bool _renewTtl;

    public StreamState(string streamId, StreamMeta meta, TopologyOptions options, long nowMs)
        : this(streamId, meta, options, nowMs, rules => new StripedTrees(meta.Stripes, rules))
    {
        _renewTtl = true;
    }

    /// <summary>A stream as its former owner left it. Its peers have the time of silence to show that they are still there.</summary>
    public StreamState(string streamId, StoredStream stored, TopologyOptions options, long nowMs)
        : this(streamId, stored.Meta, options, nowMs, rules => StripedTrees.Restore(
            stored.Meta.Stripes, rules, stored.Meta.TreeVersion, [.. stored.Peers.Select(peer => PlacesOf(peer, stored.Meta.Stripes))], nowMs))
    {
        foreach (var (window, work) in stored.Outbox)
            _outbox.Add(window, work);
        foreach (var peer in stored.Peers)
        {
            Put(peer.Member, stored.Epoch, nowMs);
            foreach (var (stripe, place) in peer.Places)
                _members[peer.Member.PeerId][stripe].ParentId = place.ParentId;
        }

        foreach (var tree in Trees.Stripes)
        {
            foreach (var peer in tree.Peers)
            {
                if (peer.Parent is { } parent)
                    Windows.EdgeAssigned(PartyOf(parent.Id), PartyOf(peer.Id), tree.Stripe, nowMs);
            }
        }

        Absorb(nowMs);
    }

    private StreamState(string streamId, StreamMeta meta, TopologyOptions options, long nowMs, Func<TreeRules, StripedTrees> trees)
    {
        StreamId = streamId;
        Meta = meta;
        _options = options;
        _rules = StripedTrees.RulesOfOne(options.RulesFor(meta.BitrateKbps), meta.Stripes);
        Trees = trees(_rules);
        _watches = [.. Trees.Stripes.Select(tree => new TreeWatch(tree))];
        _digests = new AnnouncedDigest?[meta.Stripes];
        _challenged = new AnnouncedDigest?[meta.Stripes];
        _digestsAtMs = new long[meta.Stripes];
        Windows = new RelayWindows(new SettlementRules(options.WindowMs, options.ExcludeSameAddressBlock));
        Windows.Resume(meta.LastSettledWindow, nowMs);
        _metaChanged = true;
    }

    public string StreamId { get; }

    public StreamMeta Meta { get; private set; }

    public StripedTrees Trees { get; }

    public RelayWindows Windows { get; }

    public bool IsEnded => Meta.EndedReason is not null;

    /// <summary>Entries of the record, when it is written as a whole.</summary>
    public int Entries => _members.Count * (1 + Meta.Stripes);

    public bool HasBatch => _metaChanged || _changes.Count > 0 || _changed.Count > 0 || _removed.Count > 0 || _joined.Count > 0 || _newOutbox.Count > 0 || _published.Count > 0;

    public StreamInfo Info => new(
        StreamId,
        Meta.Channel,
        Meta.Title,
        Meta.AccountId,
        Meta.StartedAtMs,
        Viewers: Math.Max(0, Trees.Count - 1),
        Trees.SpareSlots,
        Meta.BitrateKbps,
        Meta.Stripes,
        BroadcasterConnected: Meta.RootLostAtMs == 0,
        IsJournaled: true);

    public StreamGauges Gauges
    {
        get
        {
            var all = Trees.Stripes.Select(tree => (Tree: tree, Quality: tree.Quality())).ToList();
            return new StreamGauges(
                Trees.Count,
                Trees.WaitingCount,
                Trees.DegradedCount,
                Wanted: Math.Max(0, Trees.Count - 1) * Meta.Stripes,
                all.Sum(stripe => stripe.Tree.PlacedViewers),
                all.Sum(stripe => stripe.Quality.MeanDepth * stripe.Tree.PlacedViewers),
                all.Sum(stripe => stripe.Quality.IdealMeanDepth * stripe.Tree.PlacedViewers),
                all.Max(stripe => stripe.Quality.MaxDepth),
                all.Max(stripe => stripe.Quality.IdealMaxDepth),
                all.Sum(stripe => stripe.Tree.StandbyCount));
        }
    }

    public IReadOnlyList<string> EdgeIds => [.. _members.Values.Select(member => member.Member.EdgeId).Distinct().Order(StringComparer.Ordinal)];

    public string? EdgeOf(string peerId) => _members.GetValueOrDefault(peerId)?.Member.EdgeId;

    public bool Has(string peerId) => _members.ContainsKey(peerId);

    /// <summary>The tree of a stripe; null when the stream does not have so many.</summary>
    public Tree? Tree(int stripe) => stripe < Meta.Stripes ? Trees[stripe] : null;

    /// <summary>For dashboards.</summary>
    public TreeWatch Watch(int stripe) => _watches[stripe];

    /// <summary>What was decided so far is told to those who watch.</summary>
    public void TellWatchers()
    {
        foreach (var watch in _watches)
            watch.Tell();
    }

    /// <summary>A part of a tree, by the members' numbers.</summary>
    public (IReadOnlyList<PlaceView> Peers, int Next) Read(int stripe, int from, int most)
    {
        var (ids, next) = _roll.From(from, most);
        return ([.. ids.Select(Trees[stripe].Find).OfType<Peer>().Select(TreeWatch.View)], next);
    }

    public void StartRoot(StartCommand command, long nowMs)
    {
        Admit(command.Root, nowMs);
        Trees.SetRoot(command.Root.PeerId, command.UplinkMbps, command.MaxChildren);
        Absorb(nowMs);
    }

    /// <summary>The broadcaster came back: the trees stay, everybody next to it learns its new edge.</summary>
    public Refusal ResumeRoot(StartCommand command, long nowMs)
    {
        if (command.Root.AccountId != Meta.AccountId)
            return Refusal.StreamNotYours;
        if (Trees.RootId is not { } rootId || rootId != command.Root.PeerId)
            return Refusal.InvalidPeer;
        Admit(command.Root, nowMs);
        _changed.Add(rootId);
        SetMeta(Meta with { RootLostAtMs = 0, Title = command.Title });
        Trees.Claimed(rootId, command.UplinkMbps, command.MaxChildren, nowMs);
        Trees.Resend(rootId, Reasons.Resumed, nowMs);
        Absorb(nowMs);
        return Refusal.None;
    }

    public Refusal Join(JoinCommand command, long nowMs)
    {
        var peer = command.Peer;
        if (_members.TryGetValue(peer.PeerId, out var known))
        {
            if (known.Member.AccountId != peer.AccountId || Trees.RootId == peer.PeerId)
                return Refusal.InvalidPeer;
            Admit(peer, nowMs);
            _changed.Add(peer.PeerId);
            Trees.Claimed(peer.PeerId, command.UplinkMbps, maxChildren: 0, nowMs);
            Trees.Resend(peer.PeerId, Reasons.Resumed, nowMs);
        }
        else
        {
            if (Trees.IsFull)
                return Refusal.StreamFull;
            Admit(peer, nowMs);
            Trees.Join(peer.PeerId, command.UplinkMbps, command.LatencyMs, nowMs, RegionOf(peer));
            _events.Joins++;
        }

        Absorb(nowMs);
        return Refusal.None;
    }

    /// <summary>
    /// An audience comes over from another stream, with the shape that it had there. Who is here already, and who comes when the stream is
    /// full, is left out.
    /// </summary>
    public Imported Import(IReadOnlyList<ArrivalCommand> arrivals, long nowMs)
    {
        var room = _options.MaxPeersPerStream - Trees.Count;
        var coming = new List<ArrivalCommand>(arrivals.Count);
        var named = new HashSet<string>(StringComparer.Ordinal);
        var here = 0;
        foreach (var arrival in arrivals)
        {
            if (_members.ContainsKey(arrival.Peer.PeerId) || !named.Add(arrival.Peer.PeerId))
                here++;
            else if (coming.Count < room)
                coming.Add(arrival);
        }

        foreach (var arrival in coming)
            Admit(arrival.Peer, nowMs);
        Trees.Import(
            [.. coming.Select(arrival => new Arrival(arrival.Peer.PeerId, arrival.UplinkMbps, arrival.LatencyMs, arrival.ParentId, RegionOf(arrival.Peer)))], nowMs);
        _events.Joins += coming.Count;
        Absorb(nowMs);
        var waiting = coming.Count(arrival => Trees.Stripes.Any(tree => !tree.Find(arrival.Peer.PeerId)!.IsAttached));
        return new Imported(coming.Count - waiting, waiting, here, arrivals.Count - coming.Count - here);
    }

    /// <summary>A squad member's peer becomes the broadcaster's; who was it is no longer in the stream.</summary>
    public Refusal Handover(HandoverCommand command, long nowMs)
    {
        var formerId = Trees.RootId!;
        if (formerId == command.PeerId)
            return _members[formerId].Member.AccountId == command.AccountId ? Refusal.None : Refusal.InvalidHeir;
        if (!_members.TryGetValue(command.PeerId, out var heir))
            return Refusal.UnknownPeer;
        if (heir.Member.AccountId != command.AccountId)
            return Refusal.InvalidHeir;
        Trees.ReplaceRoot(command.PeerId, command.UplinkMbps, command.MaxChildren, nowMs);
        SetMeta(Meta with { AccountId = command.AccountId, MaxChildren = command.MaxChildren, RootLostAtMs = 0 });
        foreach (var tree in Trees.Stripes)
        {
            Windows.EdgeDropped(command.PeerId, tree.Stripe);
            heir[tree.Stripe].ParentId = null;
        }

        // Its sequence numbers begin anew.
        Array.Clear(_digests);
        Array.Clear(_challenged);
        Absorb(nowMs);
        Forget(formerId);
        return Refusal.None;
    }

    /// <summary>Nothing happens to who is held by another edge by now: it has come back there.</summary>
    public void Leave(IEnumerable<string> peerIds, string edgeId, long nowMs) =>
        Remove([.. peerIds.Distinct(StringComparer.Ordinal).Where(peerId => EdgeOf(peerId) == edgeId)], nowMs);

    /// <summary>What only time brings. Returns the reason when the stream is over.</summary>
    public string? Tick(long nowMs)
    {
        AdvanceWindows(nowMs);
        var silentSince = nowMs - (_options.PeerSilenceSeconds * 1000L);
        // Together, as they were lost: when an edge fails, no orphan is sent to another of its peers.
        Remove([.. _members.Values.Where(member => member.LastSeenMs < silentSince).Select(member => member.Member.PeerId)], nowMs);
        Trees.Tick(_options.LiftMovesPerTick, nowMs);
        Absorb(nowMs);
        foreach (var watch in _watches)
            watch.Tick(nowMs);
        return Meta.RootLostAtMs > 0 && nowMs - Meta.RootLostAtMs >= _options.RootGraceSeconds * 1000L ? "broadcaster_lost" : null;
    }

    /// <summary>The stream is over: what was counted is settled with the answers that came.</summary>
    public void End(string reason, long nowMs)
    {
        AdvanceWindows(nowMs);
        foreach (var settlement in Windows.SettleAll(CapBytes))
            Settled(settlement);
        SetMeta(Meta with { EndedReason = reason });
    }

    /// <summary>The number of a directive as the peer's edge compares it: it grows also when the peer was forgotten meanwhile, or was told something that no record has.</summary>
    public long NumberOf(Change change) => ((_members.GetValueOrDefault(change.PeerId)?.NumbersFrom ?? 0) << NumberBits) + change.Version;

    /// <summary>What changed since the last batch, or all there is.</summary>
    public PendingBatch TakeBatch(bool whole)
    {
        if (whole)
            return new PendingBatch(TakeWhole(), TakeChanges(), TakeEvents());
        if (HasBatch && Meta.TreeVersion != Trees.Version)
            SetMeta(Meta with { TreeVersion = Trees.Version });
        var members = new List<Member>(_joined.Count);
        foreach (var id in _joined)
        {
            if (_members.TryGetValue(id, out var member))
                members.Add(member.Member);
        }

        var places = _changed.Where(Trees.Has).SelectMany(PlacesOf).ToList();
        var batch = new StreamBatch(_metaChanged ? Meta : null, members, places, [.. _removed], [.. _newOutbox], [.. _published], _renewTtl);
        return new PendingBatch(Taken(batch), TakeChanges(), TakeEvents());
    }

    /// <summary>All there is, for a record that is to be replaced.</summary>
    public StreamBatch TakeWhole()
    {
        SetMeta(Meta with { TreeVersion = Trees.Version });
        return Taken(new StreamBatch(
            Meta,
            [.. _members.Values.Select(member => member.Member)],
            [.. Trees.Ids.SelectMany(PlacesOf)],
            [],
            [.. _outbox.Values],
            [],
            RenewTtl: true,
            IsWhole: true));
    }

    /// <summary>What peers are to be told, while nothing can be written: what is to be written goes on gathering.</summary>
    public IReadOnlyList<Change> TakeChanges()
    {
        var changes = _changes;
        _changes = [];
        return changes;
    }

    public BatchEvents TakeEvents()
    {
        var events = _events;
        _events = new BatchEvents();
        return events;
    }

    private StreamBatch Taken(StreamBatch batch)
    {
        _joined.Clear();
        _changed.Clear();
        _removed.Clear();
        _newOutbox.Clear();
        _published.Clear();
        _metaChanged = false;
        _renewTtl = false;
        return batch;
    }

    /// <summary>Who is in the record has its place in every stripe.</summary>
    private static IReadOnlyList<PeerRecord> PlacesOf(PeerState peer, int stripes) =>
        peer.Places.Count == stripes
            ? [.. peer.Places.OrderBy(place => place.Stripe).Select(place => place.Place)]
            : throw new InvalidDataException($"{peer.Member.PeerId} has {peer.Places.Count} places in {stripes} stripes");

    private static string? RegionOf(Member member) => member.Region.Length == 0 ? null : member.Region;

    private IEnumerable<StripePlace> PlacesOf(string id) => Trees.Records(id).Select((place, stripe) => new StripePlace(stripe, place));

    private void Admit(Member member, long nowMs)
    {
        Put(member, nowMs, nowMs);
        _joined.Add(member.PeerId);
    }

    private void Put(Member member, long numbersFrom, long nowMs)
    {
        var state = new MemberState(member, Meta.Stripes, numbersFrom, nowMs);
        if (_members.TryGetValue(member.PeerId, out var former))
        {
            for (var stripe = 0; stripe < Meta.Stripes; stripe++)
                state[stripe].ParentId = former[stripe].ParentId;
        }

        _members[member.PeerId] = state;
        _roll.Add(member.PeerId);
    }

    private void Forget(string peerId)
    {
        foreach (var tree in Trees.Stripes)
            Windows.EdgeDropped(peerId, tree.Stripe);
        _members.Remove(peerId);
        _roll.Remove(peerId);
    }

    private void Remove(List<string> peerIds, long nowMs)
    {
        // The trees stay for the time of grace: who watches still has what is under way, and the page may come back.
        if (Trees.RootId is { } rootId && peerIds.Remove(rootId) && Meta.RootLostAtMs == 0)
            SetMeta(Meta with { RootLostAtMs = nowMs });
        if (peerIds.Count == 0)
            return;
        _events.Add(_orphans.Lose(Trees.Stripes, peerIds, nowMs));
        Trees.Leave(peerIds, nowMs);
        Absorb(nowMs);
        foreach (var peerId in peerIds)
            Forget(peerId);
    }

    /// <summary>Takes over what the trees changed: for the next batch, for those who watch, and for the windows, whose edges are the trees'.</summary>
    private void Absorb(long nowMs)
    {
        if (!Trees.HasDelta)
            return;
        var delta = Trees.TakeDelta();
        _changes.AddRange(delta.Changes);
        foreach (var watch in _watches)
            watch.Note(delta);
        foreach (var id in delta.Removed)
        {
            _removed.Add(id);
            _changed.Remove(id);
        }

        foreach (var id in delta.Changed)
        {
            _removed.Remove(id);
            _changed.Add(id);
        }

        foreach (var change in delta.Changes)
        {
            if (change.Kind == ChangeKind.Waiting)
                Windows.EdgeDropped(change.PeerId, change.Stripe);
            else if (change.Kind == ChangeKind.ParentAssigned && _members.TryGetValue(change.PeerId, out var member) && _members.ContainsKey(change.OtherId!))
                Assigned(member, change, nowMs);
        }
    }

    private void Assigned(MemberState member, Change change, long nowMs)
    {
        var link = member[change.Stripe];
        if (_orphans.Placed(change.PeerId, change.Stripe, change.OtherId!) is { } heal)
            _events.Add(heal);
        if (link.ParentId is not null && link.ParentId != change.OtherId)
            _events.Moved(change.Reason);
        link.ParentId = change.OtherId;
        link.LatencyMs = 0;
        Windows.EdgeAssigned(PartyOf(change.OtherId!), PartyOf(change.PeerId), change.Stripe, nowMs);
    }

    private void SetMeta(StreamMeta meta)
    {
        _metaChanged |= meta != Meta;
        Meta = meta;
    }

    private Party PartyOf(string peerId)
    {
        var member = _members[peerId].Member;
        return new Party(member.PeerId, member.AccountId, member.AddressBlock);
    }
}
