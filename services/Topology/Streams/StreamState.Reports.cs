using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What peers report, and what follows from it: repeats, verdicts, proofs, and the verified work of each window.</summary>
internal sealed partial class StreamState
{
    private readonly Dictionary<long, RelayWorkVerified> _outbox = [];
    private readonly List<RelayWorkVerified> _newOutbox = [];
    private readonly List<long> _published = [];

    /// <summary>The newest that the root announced, by stripe.</summary>
    private readonly AnnouncedDigest?[] _digests;

    /// <summary>The one that a challenge asked for last, by stripe.</summary>
    private readonly AnnouncedDigest?[] _challenged;

    private readonly long[] _digestsAtMs;

    /// <summary>Settled windows that nobody was told of yet.</summary>
    public IReadOnlyDictionary<long, RelayWorkVerified> Outbox => _outbox;

    /// <summary>Set when a window closed, until <see cref="AudienceTold"/>.</summary>
    public bool AudienceDue { get; private set; }

    /// <summary>False when the stream does not have the peer.</summary>
    public bool Report(string edgeId, MetricsOfPeer report, long nowMs)
    {
        Heard(nowMs);
        if (!_members.TryGetValue(report.PeerId, out var member))
            return false;
        // A late report of an edge that the peer has left.
        if (member.Member.EdgeId != edgeId)
            return true;
        AdvanceWindows(nowMs);
        member.LastSeenMs = nowMs;
        foreach (var receipt in report.Receipts)
            Windows.Received(report.PeerId, receipt.OtherId, receipt.Stripe, receipt.Bytes);
        foreach (var claim in report.Claims)
            Windows.Claimed(report.PeerId, claim.OtherId, claim.Stripe, claim.Bytes);
        if (report.AnswerHmac is { } hmac)
            Windows.Answered(report.PeerId, report.AnswerWindow, hmac);
        Trees.Measured(report.PeerId, report.LatencyMs);
        Trees.UplinkMeasured(report.PeerId, report.UplinkMbps, nowMs);
        foreach (var tree in Trees.Stripes)
        {
            ref var link = ref member[tree.Stripe];
            link.LatencyMs = report.LatencyMs;
            RepeatWhatWasNotTold(tree, ref link, report, nowMs);
            RepeatWhatSeemsLost(tree, ref link, report, nowMs);
        }

        foreach (var fault in report.Faults)
            Hear(member, fault, nowMs);
        Absorb(nowMs);
        return true;
    }

    /// <summary>A child has left a parent because that one broke the rules.</summary>
    private void Hear(MemberState child, StripeNeighbour fault, long nowMs)
    {
        // Of who is neither its parent nor its standby by now it is not asked; and for the broadcaster there is no other.
        if (Tree(fault.Stripe) is null || child[fault.Stripe].Peer is not { IsRoot: false } peer)
            return;
        if ((peer.Parent?.Id == fault.PeerId ? peer.Parent : peer.Standby?.Id == fault.PeerId ? peer.Standby : null) is not { IsRoot: false } accused
            || !_faults.Accuse(accused.Id, fault.Stripe, child.Party, nowMs))
            return;
        Trees.Accused(fault.Stripe, peer.Id, accused.Id, nowMs);
        if (_faults.IsCondemned(accused.Id, fault.Stripe, accused.Children.Select(other => other.Id)))
            Trees.Condemned(fault.Stripe, accused.Id, nowMs);
    }

    /// <summary>The root's announcement of a chunk that challenges may ask for.</summary>
    public bool Announce(string edgeId, AnnouncedDigest digest, long nowMs)
    {
        if (!_members.TryGetValue(digest.PeerId, out var member))
            return false;
        if (Trees.RootId != digest.PeerId || member.Member.EdgeId != edgeId || digest.Stripe >= Meta.Stripes)
            return true;
        member.LastSeenMs = nowMs;
        _digestsAtMs[digest.Stripe] = nowMs;
        // Sequence numbers wrap: what is ahead by less than half the circle is newer.
        if (_digests[digest.Stripe] is not { } newest || unchecked((int)(digest.Sequence - newest.Sequence)) > 0)
            _digests[digest.Stripe] = digest;
        return true;
    }

    /// <summary>
    /// The present window's challenge, when it has none yet and the root announced a chunk since the last one. One stripe is asked for, each in
    /// its turn: who receives only some of them fails in the windows of the others.
    /// </summary>
    public (long Window, Challenge Challenge)? TryChallenge(Func<byte[]> nonce, long nowMs)
    {
        AdvanceWindows(nowMs);
        if (Windows.IsChallenged(Windows.Current))
            return null;
        for (var turn = 0; turn < Meta.Stripes; turn++)
        {
            var stripe = (int)((Windows.Current + turn) % Meta.Stripes);
            if (_digests[stripe] is not { } digest || _challenged[stripe]?.Sequence == digest.Sequence)
                continue;
            var challenge = new Challenge(stripe, digest.Sequence, nonce(), digest.Digest);
            if (!Windows.Challenge(Windows.Current, challenge))
                return null;
            _challenged[stripe] = digest;
            return (Windows.Current, challenge);
        }

        return null;
    }

    public void Published(long window)
    {
        if (_outbox.Remove(window))
            _published.Add(window);
    }

    public void AudienceTold() => AudienceDue = false;

    /// <summary>A directive may be lost on its way, and a connection may never come about: the child's receipts show it.</summary>
    private void RepeatWhatSeemsLost(Tree tree, ref StripeLink link, MetricsOfPeer report, long nowMs)
    {
        if (link.Peer is not { Parent: { IsAttached: true } parent } peer)
            return;
        if (report.Receipts.Any(receipt => receipt.OtherId == parent.Id && receipt.Stripe == tree.Stripe))
        {
            link.Resends = 0;
            link.FedAtMs = nowMs;
            return;
        }

        // Without anything to send, or with a parent that waits itself, silence says nothing about this edge.
        var patienceMs = _options.ResendAfterSeconds * 1000L;
        var flows = nowMs - _digestsAtMs[tree.Stripe] <= _options.WindowMs && (parent.IsRoot || nowMs - MemberState.Of(parent)[tree.Stripe].FedAtMs <= patienceMs);
        if (!flows || nowMs - peer.AssignedAtMs < patienceMs)
            return;
        if (link.Resends++ < _options.ResendsBeforeMove)
        {
            tree.ResendParent(peer.Id, nowMs);
            return;
        }

        link.Resends = 0;
        tree.Unreachable(peer.Id, nowMs);
        if (ReferenceEquals(peer.Parent, parent))
            tree.ResendParent(peer.Id, nowMs);
    }

    /// <summary>
    /// The peer's edge knows what it told it. Where that is not what the tree has, and stays so for longer than a message is on its way, the message
    /// was lost: nothing need flow for that, and a parent that waits to be told itself keeps none of those below it waiting.
    /// </summary>
    private void RepeatWhatWasNotTold(Tree tree, ref StripeLink link, MetricsOfPeer report, long nowMs)
    {
        if (report.Told.Count == 0 || link.Peer is not { IsAttached: true } peer)
            return;
        var told = default(ToldOfStripe);
        foreach (var ofStripe in report.Told)
        {
            if (ofStripe.Stripe == tree.Stripe)
                told = ofStripe;
        }

        var (lacksParent, lacksStandby) = (peer.Parent?.Id != Known(told.ParentId), peer.Standby?.Id != Known(told.StandbyId));
        if (!lacksParent && !lacksStandby)
        {
            link.UntoldSinceMs = 0;
        }
        else if (link.UntoldSinceMs == 0)
        {
            // It may be on its way.
            link.UntoldSinceMs = nowMs;
        }
        else if (nowMs - link.UntoldSinceMs >= _options.ResendAfterSeconds * 1000L)
        {
            link.UntoldSinceMs = nowMs;
            if (lacksParent)
                tree.ResendParent(peer.Id, nowMs);
            if (lacksStandby)
                tree.ResendStandby(peer.Id);
        }

        static string? Known(string? peerId) => string.IsNullOrEmpty(peerId) ? null : peerId;
    }

    private void AdvanceWindows(long nowMs)
    {
        var window = Windows.Current;
        if (Windows.Advance(nowMs) is not { } deliveries)
            return;
        // What makes a starving child is a share of the stream, as its stripe is.
        var rules = _rules with { DegradedUploadMbps = _rules.DegradedUploadMbps / Meta.Stripes };
        foreach (var ofStripe in deliveries.GroupBy(delivery => delivery.Stripe))
        {
            var stripe = ofStripe.Key;
            var verdicts = ParentJudge.Judge(
                [.. ofStripe],
                child => _members.TryGetValue(child, out var member) ? member[stripe].LatencyMs : 0,
                child => Windows.HasAnswered(child, window),
                rules,
                _options.WindowMs);
            foreach (var verdict in verdicts.Where(verdict => Trees.Has(verdict.ParentId)))
            {
                Trees.Judged(stripe, verdict.ParentId, verdict.Bad, nowMs);
                Trees.Proved(stripe, verdict.ParentId, verdict.ProvenChildren, nowMs);
            }
        }

        _faults.Forget(nowMs);
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
    /// The most that a relay is paid for, over all stripes. The broadcaster is the source and no relay. Of a peer that left meanwhile nobody
    /// knows the slots any more: then what the slow start allows.
    /// </summary>
    private long CapBytes(string parentId)
    {
        if (parentId == Trees.RootId)
            return 0;
        var slots = Trees.Has(parentId) ? Trees.Stripes.Sum(tree => (long)tree.Find(parentId)!.Slots) : _rules.SlowStartSlots;
        return slots * _rules.BitrateKbps * _options.WindowMs / 8;
    }
}
