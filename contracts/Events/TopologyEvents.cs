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
/// New places of peers, sent by Topology to the one edge that holds them: in order per peer by their version; the edge drops what is
/// older than what it has.
/// </summary>
/// <param name="Directives">A <c>beacon.topology.v1.PeerDirectives</c>, of all streams that had something for the edge.</param>
public sealed record PeersReassigned(string EdgeId, byte[] Directives);

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
