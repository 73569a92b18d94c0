using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What the owner must do with the outside after a batch: write it, then tell it.</summary>
internal sealed record PendingBatch(StreamBatch Store, IReadOnlyList<Change> Changes, BatchEvents Events);

/// <summary>
/// A live stream in memory: its trees, members and windows. Everything here is done in one turn and without I/O; the grain writes and
/// sends what <see cref="TakeBatch"/> hands over.
/// </summary>
internal sealed class StreamState
{
    private const int Stripe = 0;

    private readonly TopologyOptions _options;
    private readonly TreeRules _rules;
    private readonly Dictionary<string, MemberState> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<long, RelayWorkVerified> _outbox = [];
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly List<RelayWorkVerified> _newOutbox = [];
    private readonly List<long> _published = [];
    private readonly Orphans _orphans = new();
    private readonly Roll _roll = new();
    private List<Change> _changes = [];
    private BatchEvents _events = new();
    private bool _metaChanged;
    private bool _renewTtl;
    private AnnouncedDigest? _digest;
    private uint? _challengedSequence;
    private long _digestAtMs;

    public StreamState(string streamId, StreamMeta meta, TopologyOptions options, long nowMs)
    {
        StreamId = streamId;
        Meta = meta;
        _options = options;
        _rules = options.RulesFor(meta.BitrateKbps);
        Tree = new Tree(Stripe, _rules);
        Watch = new TreeWatch(Tree);
        Windows = NewWindows();
        Windows.Resume(meta.LastSettledWindow, nowMs);
        _metaChanged = true;
        _renewTtl = true;
    }

    /// <summary>A stream as its former owner left it. Its peers have the time of silence to show that they are still there.</summary>
    public StreamState(string streamId, StoredStream stored, TopologyOptions options, long nowMs)
    {
        StreamId = streamId;
        Meta = stored.Meta;
        _options = options;
        _rules = options.RulesFor(Meta.BitrateKbps);
        Windows = NewWindows();
        Windows.Resume(Meta.LastSettledWindow, nowMs);
        foreach (var (window, work) in stored.Outbox)
            _outbox.Add(window, work);
        foreach (var peer in stored.Peers)
        {
            _members.Add(peer.Member.PeerId, new MemberState(peer.Member, nowMs) { ParentId = peer.Place.ParentId });
            _roll.Add(peer.Member.PeerId);
        }

        Tree = Tree.Restore(Stripe, _rules, Meta.TreeVersion, stored.Peers.Select(peer => peer.Place), nowMs);
        Watch = new TreeWatch(Tree);
        foreach (var peer in Tree.Peers)
        {
            if (peer.Parent is { } parent)
                Windows.EdgeAssigned(PartyOf(parent.Id), PartyOf(peer.Id), Stripe, nowMs);
        }

        Absorb(nowMs);
        _metaChanged = true;
    }

    public string StreamId { get; }

    public StreamMeta Meta { get; private set; }

    public Tree Tree { get; }

    public RelayWindows Windows { get; }

    /// <summary>For dashboards.</summary>
    public TreeWatch Watch { get; }

    /// <summary>Settled windows that nobody was told of yet.</summary>
    public IReadOnlyDictionary<long, RelayWorkVerified> Outbox => _outbox;

    public bool IsEnded => Meta.EndedReason is not null;

    /// <summary>Set when a window closed, until <see cref="AudienceTold"/>.</summary>
    public bool AudienceDue { get; private set; }

    public bool HasBatch => _metaChanged || _changes.Count > 0 || _changed.Count > 0 || _removed.Count > 0 || _newOutbox.Count > 0 || _published.Count > 0;

    public StreamInfo Info => new(
        StreamId,
        Meta.Channel,
        Meta.Title,
        Meta.AccountId,
        Meta.StartedAtMs,
        Viewers: Math.Max(0, Tree.Count - 1),
        Tree.SpareSlots,
        Meta.BitrateKbps,
        Meta.Stripes,
        BroadcasterConnected: Meta.RootLostAtMs == 0);

    public IReadOnlyList<string> EdgeIds => [.. _members.Values.Select(member => member.Member.EdgeId).Distinct().Order(StringComparer.Ordinal)];

    public StreamGauges Gauges
    {
        get
        {
            var quality = Tree.Quality();
            var places = Tree.PlacedViewers;
            return new StreamGauges(
                Tree.Count,
                Tree.WaitingCount,
                Tree.DegradedCount,
                Wanted: Math.Max(0, Tree.Count - 1),
                places,
                quality.MeanDepth * places,
                quality.IdealMeanDepth * places,
                quality.MaxDepth,
                quality.IdealMaxDepth,
                Tree.StandbyCount);
        }
    }

    /// <summary>A part of the tree, by the members' numbers.</summary>
    public (IReadOnlyList<PlaceView> Peers, int Next) Read(int from, int most)
    {
        var (ids, next) = _roll.From(from, most);
        return ([.. ids.Select(Tree.Find).OfType<Peer>().Select(TreeWatch.View)], next);
    }

    public string? EdgeOf(string peerId) => _members.GetValueOrDefault(peerId)?.Member.EdgeId;

    public bool Has(string peerId) => _members.ContainsKey(peerId);

    public void StartRoot(StartCommand command, long nowMs)
    {
        _members[command.Root.PeerId] = new MemberState(command.Root, nowMs);
        _roll.Add(command.Root.PeerId);
        Tree.SetRoot(command.Root.PeerId, command.UplinkMbps, command.MaxChildren);
        Absorb(nowMs);
    }

    /// <summary>The broadcaster came back: the tree stays, everybody next to it learns its new edge.</summary>
    public Refusal ResumeRoot(StartCommand command, long nowMs)
    {
        if (command.Root.AccountId != Meta.AccountId)
            return Refusal.StreamNotYours;
        if (Tree.Root is not { } root || root.Id != command.Root.PeerId)
            return Refusal.InvalidPeer;
        _members[root.Id] = new MemberState(command.Root, nowMs);
        _changed.Add(root.Id);
        SetMeta(Meta with { RootLostAtMs = 0, Title = command.Title });
        Tree.Claimed(root.Id, command.UplinkMbps, command.MaxChildren, nowMs);
        Tree.Resend(root.Id, Reasons.Resumed, nowMs);
        Absorb(nowMs);
        return Refusal.None;
    }

    public Refusal Join(JoinCommand command, long nowMs)
    {
        var peer = command.Peer;
        if (_members.TryGetValue(peer.PeerId, out var known))
        {
            if (known.Member.AccountId != peer.AccountId || Tree.Root?.Id == peer.PeerId)
                return Refusal.InvalidPeer;
            _members[peer.PeerId] = new MemberState(peer, nowMs) { ParentId = known.ParentId };
            _changed.Add(peer.PeerId);
            Tree.Claimed(peer.PeerId, command.UplinkMbps, maxChildren: 0, nowMs);
            Tree.Resend(peer.PeerId, Reasons.Resumed, nowMs);
        }
        else
        {
            if (Tree.IsFull)
                return Refusal.StreamFull;
            _members.Add(peer.PeerId, new MemberState(peer, nowMs));
            _roll.Add(peer.PeerId);
            Tree.Join(peer.PeerId, command.UplinkMbps, command.LatencyMs, nowMs);
            _events.Joins++;
        }

        Absorb(nowMs);
        return Refusal.None;
    }

    /// <summary>Nothing happens when another edge holds the peer by now: it has come back there.</summary>
    public void Leave(IEnumerable<string> peerIds, string edgeId, long nowMs) =>
        Remove([.. peerIds.Distinct(StringComparer.Ordinal).Where(peerId => EdgeOf(peerId) == edgeId)], nowMs);

    /// <summary>False when the stream does not have the peer.</summary>
    public bool Report(string edgeId, MetricsOfPeer report, long nowMs)
    {
        if (!_members.TryGetValue(report.PeerId, out var member))
            return false;
        // A late report of an edge that the peer has left.
        if (member.Member.EdgeId != edgeId)
            return true;
        AdvanceWindows(nowMs);
        member.LastSeenMs = nowMs;
        member.LatencyMs = report.LatencyMs;
        foreach (var receipt in report.Receipts)
            Windows.Received(report.PeerId, receipt.OtherId, receipt.Stripe, receipt.Bytes);
        foreach (var claim in report.Claims)
            Windows.Claimed(report.PeerId, claim.OtherId, claim.Stripe, claim.Bytes);
        if (report.AnswerHmac is { } hmac)
            Windows.Answered(report.PeerId, report.AnswerWindow, hmac);
        Tree.Measured(report.PeerId, report.LatencyMs);
        RepeatWhatSeemsLost(member, report, nowMs);
        Absorb(nowMs);
        return true;
    }

    /// <summary>The root's announcement of a chunk that challenges may ask for.</summary>
    public bool Announce(string edgeId, AnnouncedDigest digest, long nowMs)
    {
        if (!_members.TryGetValue(digest.PeerId, out var member))
            return false;
        if (Tree.Root?.Id != digest.PeerId || member.Member.EdgeId != edgeId || digest.Stripe != Stripe)
            return true;
        member.LastSeenMs = nowMs;
        _digestAtMs = nowMs;
        // Sequence numbers wrap: what is ahead by less than half the circle is newer.
        if (_digest is null || unchecked((int)(digest.Sequence - _digest.Sequence)) > 0)
            _digest = digest;
        return true;
    }

    /// <summary>The present window's challenge, when it has none yet and the root announced a chunk since the last one.</summary>
    public (long Window, Challenge Challenge)? TryChallenge(Func<byte[]> nonce, long nowMs)
    {
        AdvanceWindows(nowMs);
        if (_digest is not { } digest || digest.Sequence == _challengedSequence || Windows.IsChallenged(Windows.Current))
            return null;
        var challenge = new Challenge(Stripe, digest.Sequence, nonce(), digest.Digest);
        if (!Windows.Challenge(Windows.Current, challenge))
            return null;
        _challengedSequence = digest.Sequence;
        return (Windows.Current, challenge);
    }

    /// <summary>What only time brings. Returns the reason when the stream is over.</summary>
    public string? Tick(long nowMs)
    {
        AdvanceWindows(nowMs);
        var silentSince = nowMs - (_options.PeerSilenceSeconds * 1000L);
        // Together, as they were lost: when an edge fails, no orphan is sent to another of its peers.
        Remove([.. _members.Values.Where(member => member.LastSeenMs < silentSince).Select(member => member.Member.PeerId)], nowMs);
        Tree.Tick(_options.LiftMovesPerTick, nowMs);
        Absorb(nowMs);
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

    public void Published(long window)
    {
        if (_outbox.Remove(window))
            _published.Add(window);
    }

    public void AudienceTold() => AudienceDue = false;

    public PendingBatch TakeBatch()
    {
        if (HasBatch && Meta.TreeVersion != Tree.Version)
            SetMeta(Meta with { TreeVersion = Tree.Version });
        var peers = new List<PeerState>(_changed.Count);
        foreach (var id in _changed)
        {
            if (Tree.Find(id) is { } peer)
                peers.Add(new PeerState(_members[id].Member, Tree.Record(peer)));
        }

        var batch = new PendingBatch(new StreamBatch(_metaChanged ? Meta : null, peers, [.. _removed], [.. _newOutbox], [.. _published], _renewTtl), _changes, _events);
        _changes = [];
        _events = new BatchEvents();
        _changed.Clear();
        _removed.Clear();
        _newOutbox.Clear();
        _published.Clear();
        _metaChanged = false;
        _renewTtl = false;
        return batch;
    }

    private RelayWindows NewWindows() => new(new SettlementRules(_options.WindowMs, _options.ExcludeSameAddressBlock));

    private void Remove(List<string> peerIds, long nowMs)
    {
        // The tree stays for the time of grace: who watches still has what is under way, and the page may come back.
        if (Tree.Root is { } root && peerIds.Remove(root.Id) && Meta.RootLostAtMs == 0)
            SetMeta(Meta with { RootLostAtMs = nowMs });
        if (peerIds.Count == 0)
            return;
        _events.Add(_orphans.Lose([Tree], peerIds, nowMs));
        Tree.Leave(peerIds, nowMs);
        Absorb(nowMs);
        foreach (var peerId in peerIds)
        {
            Windows.EdgeDropped(peerId, Stripe);
            _members.Remove(peerId);
            _roll.Remove(peerId);
        }
    }

    /// <summary>A directive may be lost on its way, and a connection may never come about: the child's receipts show it.</summary>
    private void RepeatWhatSeemsLost(MemberState member, MetricsOfPeer report, long nowMs)
    {
        if (Tree.Find(report.PeerId) is not { Parent: { IsAttached: true } parent } peer)
            return;
        if (report.Receipts.Any(receipt => receipt.OtherId == parent.Id && receipt.Stripe == Stripe))
        {
            member.Resends = 0;
            member.FedAtMs = nowMs;
            return;
        }

        // Without anything to send, or with a parent that waits itself, silence says nothing about this edge.
        var patienceMs = _options.ResendAfterSeconds * 1000L;
        var flows = nowMs - _digestAtMs <= _options.WindowMs && (parent.IsRoot || nowMs - _members[parent.Id].FedAtMs <= patienceMs);
        if (!flows || nowMs - peer.AssignedAtMs < patienceMs)
            return;
        if (member.Resends++ < _options.ResendsBeforeMove)
        {
            Tree.ResendParent(peer.Id, nowMs);
            return;
        }

        member.Resends = 0;
        Tree.Unreachable(peer.Id, nowMs);
        if (ReferenceEquals(peer.Parent, parent))
            Tree.ResendParent(peer.Id, nowMs);
    }

    private void AdvanceWindows(long nowMs)
    {
        var window = Windows.Current;
        if (Windows.Advance(nowMs) is not { } deliveries)
            return;
        var verdicts = ParentJudge.Judge(
            deliveries,
            child => _members.TryGetValue(child, out var member) ? member.LatencyMs : 0,
            child => Windows.HasAnswered(child, window),
            _rules,
            _options.WindowMs);
        foreach (var verdict in verdicts)
        {
            if (Tree.Find(verdict.ParentId) is null)
                continue;
            Tree.Judged(verdict.ParentId, verdict.Bad, nowMs);
            Tree.Proved(verdict.ParentId, verdict.ProvenChildren, nowMs);
        }

        foreach (var settlement in Windows.Settle(CapBytes))
            Settled(settlement);
        AudienceDue = true;
        _renewTtl = true;
        SetMeta(Meta with { LastSettledWindow = Windows.LastSettled });
        Absorb(nowMs);
    }

    private void Settled(Settlement settlement)
    {
        if (settlement.Viewers == 0 && settlement.Work.Count == 0)
            return;
        var work = new RelayWorkVerified(
            StreamId,
            Meta.AccountId,
            settlement.Window,
            _options.WindowMs,
            settlement.Viewers,
            [.. settlement.Work.Select(relay => new VerifiedRelay(relay.AccountId, relay.Bytes))]);
        _outbox[work.Window] = work;
        _newOutbox.Add(work);
    }

    /// <summary>
    /// The most that a relay is paid for. The broadcaster is the source and no relay. Of a peer that left meanwhile nobody knows the slots any
    /// more: then what the slow start allows.
    /// </summary>
    private long CapBytes(string parentId)
    {
        if (parentId == Tree.Root?.Id)
            return 0;
        var slots = Tree.Find(parentId)?.Slots ?? _rules.SlowStartSlots;
        return (long)slots * Meta.BitrateKbps * _options.WindowMs / 8;
    }

    /// <summary>Takes over what the tree changed: for the next batch, and for the windows, whose edges are the tree's.</summary>
    private void Absorb(long nowMs)
    {
        if (!Tree.HasDelta)
            return;
        var delta = Tree.TakeDelta();
        _changes.AddRange(delta.Changes);
        Watch.Note(delta);
        foreach (var id in delta.Removed)
        {
            _removed.Add(id);
            _changed.Remove(id);
        }

        foreach (var peer in delta.Changed)
        {
            _removed.Remove(peer.Id);
            _changed.Add(peer.Id);
        }

        foreach (var change in delta.Changes)
        {
            if (change.Kind == ChangeKind.Waiting)
            {
                Windows.EdgeDropped(change.PeerId, Stripe);
            }
            else if (change.Kind == ChangeKind.ParentAssigned && _members.TryGetValue(change.PeerId, out var member) && _members.ContainsKey(change.OtherId!))
            {
                member.LatencyMs = 0;
                Count(member, change);
                Windows.EdgeAssigned(PartyOf(change.OtherId!), PartyOf(change.PeerId), Stripe, nowMs);
            }
        }
    }

    private void Count(MemberState member, Change change)
    {
        if (_orphans.Placed(change.PeerId, Stripe, change.OtherId!) is { } heal)
            _events.Add(heal);
        if (member.ParentId is not null && member.ParentId != change.OtherId)
            _events.Moved(change.Reason);
        member.ParentId = change.OtherId;
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

    private sealed class MemberState(Member member, long nowMs)
    {
        public Member Member { get; } = member;

        public long LastSeenMs { get; set; } = nowMs;

        /// <summary>When it last reported a receipt of its own parent.</summary>
        public long FedAtMs { get; set; }

        public int Resends { get; set; }

        /// <summary>The parent that it was told last.</summary>
        public string? ParentId { get; set; }

        public double LatencyMs { get; set; }
    }
}
