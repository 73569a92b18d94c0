namespace Beacon.Contracts.Events;

/// <summary>A broadcaster went live. Published by Topology once per stream id; repeated after a change of owner, so consumers are idempotent.</summary>
public sealed record StreamStarted(
    string StreamId,
    string Channel,
    string Title,
    string BroadcasterAccountId,
    int BitrateKbps,
    DateTimeOffset StartedAt);

/// <summary>Audience and capacity of a live stream, published by Topology when a window closes.</summary>
/// <param name="SpareSlots">Slots that no child holds: room for newcomers. A slot reserved for a standby counts, since it gives way to a child.</param>
/// <param name="CountedAt">When it was counted, the same in every copy: a count before one that is known tells nothing. Null from a sender that does not say; then the time of the message has to do.</param>
public sealed record StreamAudienceChanged(string StreamId, int Viewers, int SpareSlots, DateTimeOffset? CountedAt = null);

/// <summary>
/// A stream's broadcaster is away. Published by Topology when the connection is lost, once or more; the stream ends at
/// <paramref name="EndsAt"/> unless the broadcaster comes back.
/// </summary>
public sealed record BroadcasterAway(string StreamId, string Channel, string BroadcasterAccountId, DateTimeOffset StartedAt, DateTimeOffset EndsAt);

/// <summary>A stream is over; its tree is gone. Published by Topology once or more.</summary>
/// <param name="Reason"><c>ended</c> or <c>broadcaster_lost</c>.</param>
/// <param name="EdgeIds">The edges that hold peers of the stream.</param>
/// <param name="EndedAt">When it ended, the same in every copy. Null from a sender that does not say; then the time of the message has to do.</param>
public sealed record StreamEnded(
    string StreamId,
    string Channel,
    string BroadcasterAccountId,
    string Reason,
    IReadOnlyList<string> EdgeIds,
    DateTimeOffset? EndedAt = null);

/// <summary>
/// New places of peers, sent by Topology to the one edge that holds them: in order per peer by
/// <see cref="PeerDirective.Version"/>; the edge drops what is older than what it has.
/// </summary>
public sealed record PeersReassigned(string EdgeId, string StreamId, IReadOnlyList<PeerDirective> Directives);

/// <summary>One thing that a peer is told.</summary>
/// <param name="PeerId">Who is told.</param>
/// <param name="Version">Grows per peer and stripe.</param>
/// <param name="Neighbour">The other end; null for <see cref="DirectiveKind.Waiting"/> and a withdrawn standby.</param>
/// <param name="Depth">For <see cref="DirectiveKind.ParentAssigned"/>: number of hops from the root.</param>
/// <param name="Reason">For <see cref="DirectiveKind.ParentAssigned"/>: why, as in the frame.</param>
/// <param name="Standby">For <see cref="DirectiveKind.ChildAssigned"/>: the child only reserves the slot.</param>
/// <param name="DrainMs">For <see cref="DirectiveKind.ChildRemoved"/>: how long the parent keeps serving the child.</param>
/// <param name="Position">For <see cref="DirectiveKind.Waiting"/>: 1 = next.</param>
/// <param name="EstimateMs">For <see cref="DirectiveKind.Waiting"/>: expected wait, 0 = unknown.</param>
/// <param name="Traceparent">The W3C trace context of what brought it about, where traces are recorded.</param>
public sealed record PeerDirective(
    string PeerId,
    long Version,
    DirectiveKind Kind,
    int Stripe,
    PeerNeighbour? Neighbour,
    int Depth = 0,
    string Reason = "",
    bool Standby = false,
    int DrainMs = 0,
    int Position = 0,
    int EstimateMs = 0,
    string? Traceparent = null);

/// <summary>The peer at the other end of an edge of the tree, and the Signaling replica that holds it.</summary>
public sealed record PeerNeighbour(string PeerId, string EdgeId);

public enum DirectiveKind
{
    Unspecified = 0,
    ParentAssigned = 1,
    StandbyAssigned = 2,
    ChildAssigned = 3,
    ChildRemoved = 4,
    Waiting = 5,
}

/// <summary>The challenge of a settlement window, sent by Topology to each edge that holds peers of the stream.</summary>
/// <param name="Window">Server clock in Unix milliseconds divided by the window's length.</param>
/// <param name="Sequence">A chunk whose digest the root announced.</param>
/// <param name="Nonce">16 bytes, the HMAC key.</param>
public sealed record ChallengeIssued(string EdgeId, string StreamId, long Window, int Stripe, uint Sequence, byte[] Nonce);

/// <summary>
/// What the relays of a stream verifiably forwarded in one window. Each (stream, window) is settled once:
/// the Ledger derives its transfer ids from both, so a repeated event pays nothing twice.
/// </summary>
/// <param name="WindowMs">Length of the window in milliseconds.</param>
/// <param name="Viewers">Viewers whose receipts answered the window's challenge.</param>
/// <param name="ConsumedBytes">What these viewers verifiably received, from relays and from the root: no more is ever paid for. Null from a sender that does not count it.</param>
public sealed record RelayWorkVerified(
    string StreamId,
    string BroadcasterAccountId,
    long Window,
    int WindowMs,
    int Viewers,
    IReadOnlyList<VerifiedRelay> Relays,
    long? ConsumedBytes = null);

/// <summary>
/// One account's work in one window, over all its peers and stripes: what is verified, and, for the report, what was
/// forwarded and earns nothing. An account with refused work alone is listed too.
/// </summary>
/// <param name="ReceiptAccounts">Accounts whose receipts the verified bytes rest on: neither the relay's own nor, where that rule is on, of its address block. Null from a sender that does not count them.</param>
/// <param name="SameAccountBytes">Received by the relay's own account.</param>
/// <param name="SameAddressBlockBytes">Received within the relay's address block.</param>
/// <param name="UnansweredBytes">Received by peers that did not answer the window's challenge.</param>
/// <param name="OverSlotsBytes">Beyond what the relay's slots and the bitrate allow.</param>
public sealed record VerifiedRelay(
    string AccountId,
    long VerifiedBytes,
    int? ReceiptAccounts = null,
    long SameAccountBytes = 0,
    long SameAddressBlockBytes = 0,
    long UnansweredBytes = 0,
    long OverSlotsBytes = 0);
