namespace Beacon.Topology.Streams;

/// <summary>A peer as its edge knows it.</summary>
[GenerateSerializer, Immutable]
internal sealed record Member(string PeerId, string AccountId, string EdgeId, string AddressBlock);

[GenerateSerializer, Immutable]
internal sealed record StartCommand(Member Root, string Channel, string Title, int BitrateKbps, double UplinkMbps, int MaxChildren, bool Resume);

[GenerateSerializer, Immutable]
internal sealed record JoinCommand(Member Peer, double UplinkMbps, double LatencyMs);

[GenerateSerializer, Immutable]
internal sealed record LeaveCommand(string PeerId, string EdgeId);

/// <param name="Stream">The stream after the joins; null when there is none.</param>
/// <param name="Refusals">One per command.</param>
[GenerateSerializer, Immutable]
internal sealed record JoinReplies(StreamInfo? Stream, IReadOnlyList<Refusal> Refusals);

[GenerateSerializer, Immutable]
internal sealed record EdgeReports(string EdgeId, IReadOnlyList<MetricsOfPeer> Reports, IReadOnlyList<AnnouncedDigest> Digests);

/// <param name="Receipts">Parent, stripe, bytes.</param>
/// <param name="Claims">Child, stripe, bytes.</param>
/// <param name="AnswerHmac">Null when there is no answer.</param>
[GenerateSerializer, Immutable]
internal sealed record MetricsOfPeer(
    string PeerId, double LatencyMs, IReadOnlyList<CountedBytes> Receipts, IReadOnlyList<CountedBytes> Claims, long AnswerWindow, byte[]? AnswerHmac);

[GenerateSerializer, Immutable]
internal readonly record struct CountedBytes(string OtherId, int Stripe, long Bytes);

[GenerateSerializer, Immutable]
internal sealed record AnnouncedDigest(string PeerId, int Stripe, uint Sequence, byte[] Digest);

[GenerateSerializer, Immutable]
internal sealed record StreamInfo(
    string StreamId,
    string Channel,
    string Title,
    string BroadcasterAccountId,
    long StartedAtMs,
    int Viewers,
    int SpareSlots,
    int BitrateKbps,
    int Stripes,
    bool BroadcasterConnected);

[GenerateSerializer, Immutable]
internal sealed record PlaceView(
    string PeerId, string? ParentId, string? StandbyId, int Depth, int Slots, int Children, double UplinkMbps, double LatencyMs, bool IsDegraded);

[GenerateSerializer, Immutable]
internal sealed record TreeView(
    long Version,
    IReadOnlyList<PlaceView> Peers,
    bool HasMore,
    double MeanDepth,
    double IdealMeanDepth,
    int MaxDepth,
    int IdealMaxDepth,
    IReadOnlyList<string> Waiting);

[GenerateSerializer, Immutable]
internal sealed record PlaceExplained(PlaceView Place, string Reason, long DecidedAtMs, IReadOnlyList<CandidateView> Candidates);

[GenerateSerializer, Immutable]
internal sealed record CandidateView(string PeerId, int Depth, int SpareSlots, double SpareUplinkMbps, double LatencyMs, bool Chosen, string Verdict);

/// <summary>Why a stream's owner did not do what it was asked.</summary>
internal enum Refusal
{
    None = 0,
    UnknownStream,
    UnknownPeer,
    StreamFull,
    TooManyStreams,
    ChannelAlreadyLive,
    StreamNotYours,
    InvalidPeer,
    InvalidStripe,
    OwnerChanged,
}

/// <param name="Holder">With <see cref="Refusal.ChannelAlreadyLive"/>: the stream that is live.</param>
[GenerateSerializer, Immutable]
internal sealed record Reply<T>(Refusal Refusal, T? Value, string? Holder = null)
{
    public static implicit operator Reply<T>(Refusal refusal) => new(refusal, default);

    public static implicit operator Reply<T>(T value) => new(Refusal.None, value);
}
