using System.Runtime.InteropServices;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What the owner must do with the outside after a batch: write it, then tell it.</summary>
internal sealed record PendingBatch(StreamBatch Store, PeerNews News, BatchEvents Events);

/// <summary>What peers are to be told.</summary>
/// <param name="Traces">The ranges of the changes that belong to traces, in order.</param>
/// <param name="Number">Of the news of this stream; see <see cref="MemberState.HasNewParentIn"/>.</param>
internal sealed record PeerNews(List<Change> Changes, IReadOnlyList<TracedChanges> Traces, long Number);

/// <summary>
/// A live stream in memory: its trees, one a stripe, its members and windows. Everything here is done in one turn and without I/O; the owner
/// writes and sends what <see cref="TakeBatch"/> hands over.
/// </summary>
internal sealed partial class StreamState
{
    /// <summary>After so many times of silence everybody is gone indeed: edges and broadcaster were lost together.</summary>
    private const int SilencesOfNobody = 4;

    /// <summary>Room for a million directives to one peer from when it came, or its owner.</summary>
    private const int NumberBits = 20;

    private readonly TopologyOptions _options;

    /// <summary>Of one stripe.</summary>
    private readonly TreeRules _rules;

    private readonly Dictionary<string, MemberState> _members = new(StringComparer.Ordinal);
    private readonly Roll _roll = new();
    private readonly Orphans _orphans = new();
    private readonly ParentFaults _faults;
    private readonly TreeDelta _delta = new();
    private readonly List<MemberState> _changed = [];
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly List<MemberState> _joined = [];
    private readonly TreeWatch[] _watches;
    private readonly Stack<List<Change>> _spareChanges = new();
    private List<Change> _changes = [];
    private List<TracedChanges>? _traces;
    private long _newsNumber = 1;
    private BatchEvents _events = new();
    private bool _metaChanged;
    private bool _renewTtl;
    private long _numbersFrom;
    private long _heardAtMs;
    private long _tickedAtMs;

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
        _numbersFrom = Math.Max(stored.Epoch, stored.Meta.NumbersFrom + 1);
        foreach (var (window, work) in stored.Outbox)
            _outbox.Add(window, work);
        foreach (var peer in stored.Peers)
        {
            var member = Put(peer.Member, nowMs);
            Tag(member);
            foreach (var (stripe, place) in peer.Places)
                member[stripe].ParentId = place.ParentId;
        }

        foreach (var tree in Trees.Stripes)
        {
            foreach (var peer in tree.Peers)
            {
                if (peer.Parent is { } parent)
                    Windows.EdgeAssigned(MemberState.Of(parent).Party, MemberState.Of(peer).Party, tree.Stripe, nowMs);
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
        _faults = new ParentFaults(_rules);
        Trees = trees(_rules);
        _watches = [.. Trees.Stripes.Select(tree => new TreeWatch(tree))];
        _digests = new AnnouncedDigest?[meta.Stripes];
        _challenged = new AnnouncedDigest?[meta.Stripes];
        _digestsAtMs = new long[meta.Stripes];
        Windows = new RelayWindows(new SettlementRules(options.WindowMs, options.ExcludeSameAddressBlock));
        Windows.Resume(meta.LastSettledWindow, nowMs);
        _heardAtMs = _tickedAtMs = nowMs;
        _metaChanged = true;
    }

    private long SilenceMs => _options.PeerSilenceSeconds * 1000L;

    public string StreamId { get; }

    public StreamMeta Meta { get; private set; }

    public StripedTrees Trees { get; }

    public RelayWindows Windows { get; }

    public bool IsEnded => Meta.EndedReason is not null;

    /// <summary>How many things peers are to be told with the next batch.</summary>
    public int Changes => _changes.Count;

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
        var (members, next) = _roll.From(from, most);
        return ([.. members.Select(member => TreeWatch.View(member[stripe].Peer))], next);
    }

    public void StartRoot(StartCommand command, long nowMs)
    {
        var root = Admit(command.Root, nowMs);
        Trees.SetRoot(command.Root.PeerId, command.UplinkMbps, command.MaxChildren);
        Tag(root);
        Absorb(nowMs);
    }

    /// <summary>The broadcaster came back: the trees stay, everybody next to it learns its new edge.</summary>
    public Refusal ResumeRoot(StartCommand command, long nowMs)
    {
        if (command.Root.AccountId != Meta.AccountId)
            return Refusal.StreamNotYours;
        if (Trees.RootId is not { } rootId || rootId != command.Root.PeerId)
            return Refusal.InvalidPeer;
        HasChanged(Admit(command.Root, nowMs));
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
            HasChanged(Admit(peer, nowMs));
            Trees.Claimed(peer.PeerId, command.UplinkMbps, maxChildren: 0, nowMs);
            Trees.Resend(peer.PeerId, Reasons.Resumed, nowMs);
        }
        else
        {
            if (Trees.IsFull)
                return Refusal.StreamFull;
            var member = Admit(peer, nowMs);
            Trees.Join(peer.PeerId, command.UplinkMbps, command.LatencyMs, nowMs, RegionOf(peer));
            Tag(member);
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
        // As with joins, who comes into a full waiting list is refused; one call may fill it past its bound by what it brings.
        var room = Trees.IsFull ? 0 : _options.MaxPeersPerStream - Trees.Count;
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

        var members = coming.ConvertAll(arrival => Admit(arrival.Peer, nowMs));
        Trees.Import(
            [.. coming.Select(arrival => new Arrival(arrival.Peer.PeerId, arrival.UplinkMbps, arrival.LatencyMs, arrival.ParentId, RegionOf(arrival.Peer)))], nowMs);
        foreach (var member in members)
            Tag(member);
        _events.Joins += coming.Count;
        Absorb(nowMs);
        var waiting = members.Count(member => Trees.Stripes.Any(tree => !member[tree.Stripe].Peer.IsAttached));
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
        Forget(_members[formerId]);
        return Refusal.None;
    }

    /// <summary>Nothing happens to who is held by another edge by now: it has come back there.</summary>
    public void Leave(IEnumerable<string> peerIds, string edgeId, long nowMs) =>
        Remove([.. peerIds.Distinct(StringComparer.Ordinal).Where(peerId => EdgeOf(peerId) == edgeId)], nowMs);

    /// <summary>What only time brings. Returns the reason when the stream is over.</summary>
    public string? Tick(long nowMs)
    {
        AdvanceWindows(nowMs);
        if (nowMs - _tickedAtMs >= SilenceMs)
            HearAnew(nowMs);
        _tickedAtMs = nowMs;
        var silentSince = IsDeaf(nowMs) && nowMs - _heardAtMs < SilenceMs * SilencesOfNobody ? long.MinValue : nowMs - SilenceMs;
        // Together, as they were lost: when an edge fails, no orphan is sent to another of its peers.
        Remove([.. _members.Values.Where(member => member.LastSeenMs < silentSince).Select(member => member.Member.PeerId)], nowMs);
        Trees.Tick(_options.LiftMovesPerTick, nowMs);
        Absorb(nowMs);
        foreach (var watch in _watches)
            watch.Tick(nowMs);
        return Meta.RootLostAtMs > 0 && nowMs - Meta.RootLostAtMs >= _options.RootGraceSeconds * 1000L ? "broadcaster_lost" : null;
    }

    /// <summary>
    /// When nobody is heard for most of the time that makes a peer silent, the owner is cut off or was asleep, and not everybody gone at
    /// once: so long nobody is removed, and once somebody is heard, all have their time again.
    /// </summary>
    private bool IsDeaf(long nowMs) => nowMs - _heardAtMs > SilenceMs * 2 / 3;

    private void Heard(long nowMs)
    {
        if (IsDeaf(nowMs))
            HearAnew(nowMs);
        _heardAtMs = nowMs;
    }

    private void HearAnew(long nowMs)
    {
        _heardAtMs = nowMs;
        foreach (var member in _members.Values)
            member.LastSeenMs = nowMs;
    }

    /// <summary>The stream is over: what was counted is settled with the answers that came.</summary>
    public void End(string reason, long nowMs)
    {
        AdvanceWindows(nowMs);
        foreach (var settlement in Windows.SettleAll(CapBytes))
            Settled(settlement);
        SetMeta(Meta with { EndedReason = reason, EndedAtMs = nowMs });
    }

    /// <summary>The number of a directive as the peer's edge compares it: it grows also when the peer was forgotten meanwhile, or was told something that no record has.</summary>
    public static long NumberOf(MemberState member, Change change) => (member.NumbersFrom << NumberBits) + change.Version;

    /// <summary>What changed since the last batch, or all there is.</summary>
    public PendingBatch TakeBatch(bool whole)
    {
        if (whole)
            return Pending(TakeWhole());
        if (HasBatch && Meta.TreeVersion != Trees.Version)
            SetMeta(Meta with { TreeVersion = Trees.Version, NumbersFrom = _numbersFrom });
        var segments = new SegmentWriter();
        foreach (var id in _removed)
            segments.Removed(id);
        foreach (var member in _joined)
        {
            if (!member.IsGone)
                segments.Add(member.Member);
        }

        foreach (var member in _changed)
        {
            if (!member.IsGone)
                Write(member, segments);
        }

        var batch = new StreamBatch(_metaChanged ? Meta : null, segments.Close(), [.. _newOutbox], [.. _published], _renewTtl) { Peers = _removed.Count + _changed.Count };
        return Pending(Taken(batch));
    }

    /// <summary>All there is, for a record that is to be replaced.</summary>
    public StreamBatch TakeWhole()
    {
        SetMeta(Meta with { TreeVersion = Trees.Version, NumbersFrom = _numbersFrom });
        var segments = new SegmentWriter();
        foreach (var member in _members.Values)
        {
            segments.Add(member.Member);
            Write(member, segments);
        }

        return Taken(new StreamBatch(Meta, segments.Close(), [.. _outbox.Values], [], RenewTtl: true, IsWhole: true) { Peers = _members.Count });
    }

    /// <summary>What peers are to be told, while nothing can be written: what is to be written goes on gathering.</summary>
    public PeerNews TakeNews()
    {
        var taken = new PeerNews(_changes, (IReadOnlyList<TracedChanges>?)_traces ?? [], _newsNumber++);
        _changes = _spareChanges.TryPop(out var spare) ? spare : [];
        _traces = null;
        return taken;
    }

    /// <summary>What peers are to be told from <paramref name="from"/> on follows from a command of this trace.</summary>
    public void Traced(int from, string traceparent)
    {
        if (_changes.Count > from)
            (_traces ??= []).Add(new TracedChanges(from, _changes.Count, traceparent));
    }

    /// <summary>What was taken has been told: the list, which may be long, is used again. There are as many as commits under way, and one that gathers.</summary>
    public void GiveBack(PeerNews news)
    {
        news.Changes.Clear();
        _spareChanges.Push(news.Changes);
    }

    public BatchEvents TakeEvents()
    {
        var events = _events;
        _events = new BatchEvents();
        return events;
    }

    private PendingBatch Pending(StreamBatch batch) => new(batch, TakeNews(), TakeEvents());

    private StreamBatch Taken(StreamBatch batch)
    {
        foreach (var member in _joined)
            member.IsNew = false;
        foreach (var member in _changed)
            member.IsChanged = false;
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

    private void Write(MemberState member, SegmentWriter segments)
    {
        foreach (var tree in Trees.Stripes)
            segments.Add(tree.Stripe, tree.Record(member[tree.Stripe].Peer));
    }

    private MemberState Admit(Member member, long nowMs)
    {
        // Not the clock alone: that of a former owner may have been ahead.
        _numbersFrom = Math.Max(_numbersFrom, nowMs);
        var state = Put(member, nowMs);
        if (!state.IsNew)
            _joined.Add(state);
        state.IsNew = true;
        return state;
    }

    private MemberState Put(Member member, long nowMs)
    {
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_members, member.PeerId, out var isKnown);
        if (isKnown)
        {
            state!.Renew(member, _numbersFrom, nowMs);
        }
        else
        {
            state = new MemberState(member, Meta.Stripes, _numbersFrom, nowMs);
            _roll.Add(state);
        }

        return state;
    }

    /// <summary>It has its places now.</summary>
    private void Tag(MemberState member)
    {
        foreach (var tree in Trees.Stripes)
        {
            var peer = tree.Find(member.Member.PeerId)!;
            peer.Tag = member;
            member[tree.Stripe].Peer = peer;
        }
    }

    private void HasChanged(MemberState member)
    {
        if (!member.IsChanged)
            _changed.Add(member);
        member.IsChanged = true;
    }

    private void Forget(MemberState member)
    {
        foreach (var tree in Trees.Stripes)
            Windows.EdgeDropped(member.Member.PeerId, tree.Stripe);
        _members.Remove(member.Member.PeerId);
        _roll.Remove(member);
        member.IsGone = true;
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
            Forget(_members[peerId]);
    }

    /// <summary>Takes over what the trees changed: for the next batch, for those who watch, and for the windows, whose edges are the trees'.</summary>
    private void Absorb(long nowMs)
    {
        if (!Trees.HasDelta)
            return;
        Trees.TakeDelta(_delta);
        foreach (var watch in _watches)
            watch.Note(_delta);
        _removed.UnionWith(_delta.Removed);
        foreach (var peer in _delta.Changed)
        {
            if (_removed.Count > 0)
                _removed.Remove(peer.Id);
            HasChanged(MemberState.Of(peer));
        }

        foreach (var change in _delta.Changes)
        {
            if (change.Kind == ChangeKind.Waiting)
                Windows.EdgeDropped(change.PeerId, change.Stripe);
            else if (change.Kind == ChangeKind.ParentAssigned)
                Assigned(MemberState.Of(change.Peer), change, nowMs);
        }

        _changes.AddRange(_delta.Changes);
        _delta.Clear();
    }

    private void Assigned(MemberState member, Change change, long nowMs)
    {
        ref var link = ref member[change.Stripe];
        if (_orphans.Placed(change.PeerId, change.Stripe, change.OtherId!) is { } heal)
            _events.Add(heal);
        if (link.ParentId is not null && link.ParentId != change.OtherId)
            _events.Moved(change.Reason);
        link.ParentId = change.OtherId;
        link.LatencyMs = 0;
        member.HasNewParentIn = _newsNumber;
        Windows.EdgeAssigned(MemberState.Of(change.Other!).Party, member.Party, change.Stripe, nowMs);
    }

    private void SetMeta(StreamMeta meta)
    {
        _metaChanged |= meta != Meta;
        Meta = meta;
    }
}
