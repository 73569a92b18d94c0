using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What the owner must do with the outside after a batch: write it, then tell it.</summary>
internal sealed record PendingBatch(StreamBatch Store, IReadOnlyList<Change> Changes);

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
    private List<Change> _changes = [];
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
            _members.Add(peer.Member.PeerId, new MemberState(peer.Member, nowMs));
        Tree = Tree.Restore(Stripe, _rules, Meta.TreeVersion, stored.Peers.Select(peer => peer.Place), nowMs);
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

    public string? EdgeOf(string peerId) => _members.GetValueOrDefault(peerId)?.Member.EdgeId;

    public bool Has(string peerId) => _members.ContainsKey(peerId);

    public void StartRoot(StartCommand command, long nowMs)
    {
        _members[command.Root.PeerId] = new MemberState(command.Root, nowMs);
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
            _members[peer.PeerId] = new MemberState(peer, nowMs);
            _changed.Add(peer.PeerId);
            Tree.Claimed(peer.PeerId, command.UplinkMbps, maxChildren: 0, nowMs);
            Tree.Resend(peer.PeerId, Reasons.Resumed, nowMs);
        }
        else
        {
            if (Tree.IsFull)
                return Refusal.StreamFull;
            _members.Add(peer.PeerId, new MemberState(peer, nowMs));
            Tree.Join(peer.PeerId, command.UplinkMbps, command.LatencyMs, nowMs);
        }

        Absorb(nowMs);
        return Refusal.None;
    }

    /// <summary>Nothing happens when another edge holds the peer by now: it has come back there.</summary>
    /// <returns>How many peers lost their parent by it.</returns>
    public int Leave(string peerId, string edgeId, long nowMs) =>
        _members.TryGetValue(peerId, out var member) && member.Member.EdgeId == edgeId ? Remove(peerId, nowMs) : 0;

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
        foreach (var silent in _members.Values.Where(member => member.LastSeenMs < silentSince).Select(member => member.Member.PeerId).ToList())
            Remove(silent, nowMs);
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

        var batch = new PendingBatch(new StreamBatch(_metaChanged ? Meta : null, peers, [.. _removed], [.. _newOutbox], [.. _published], _renewTtl), _changes);
        _changes = [];
        _changed.Clear();
        _removed.Clear();
        _newOutbox.Clear();
        _published.Clear();
        _metaChanged = false;
        _renewTtl = false;
        return batch;
    }

    private RelayWindows NewWindows() => new(new SettlementRules(_options.WindowMs, _options.ExcludeSameAddressBlock));

    private int Remove(string peerId, long nowMs)
    {
        var peer = Tree.Find(peerId)!;
        if (peer.IsRoot)
        {
            // The tree stays for the time of grace: who watches still has what is under way, and the page may come back.
            if (Meta.RootLostAtMs == 0)
                SetMeta(Meta with { RootLostAtMs = nowMs });
            return 0;
        }

        var orphans = peer.Children.Count;
        Tree.Leave(peerId, nowMs);
        Absorb(nowMs);
        Windows.EdgeDropped(peerId, Stripe);
        _members.Remove(peerId);
        return orphans;
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
        if (settlement.Viewers == 0 && settlement.Work.All(work => work.Bytes == 0))
            return;
        var work = new RelayWorkVerified(
            StreamId,
            Meta.AccountId,
            settlement.Window,
            _options.WindowMs,
            settlement.Viewers,
            [.. settlement.Work.Select(relay => new VerifiedRelay(
                relay.AccountId,
                relay.Bytes,
                relay.ReceiptAccounts,
                relay.Refused.SameAccount,
                relay.Refused.SameAddressBlock,
                relay.Refused.Unanswered,
                relay.Refused.OverSlots))],
            settlement.ConsumedBytes);
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
                Windows.EdgeAssigned(PartyOf(change.OtherId!), PartyOf(change.PeerId), Stripe, nowMs);
            }
        }
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

        public double LatencyMs { get; set; }
    }
}
