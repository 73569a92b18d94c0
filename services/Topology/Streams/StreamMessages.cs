using System.Runtime.InteropServices;

namespace Beacon.Topology.Streams;

/// <summary>A peer as its edge knows it.</summary>
/// <param name="TicketMac">It takes keyed edge tickets.</param>
[GenerateSerializer, Immutable]
internal sealed record Member(string PeerId, string AccountId, string EdgeId, string AddressBlock, string Region = "", bool TicketMac = false);

/// <param name="Traceparent">The trace that it belongs to; null = none.</param>
[GenerateSerializer, Immutable]
internal sealed record StartCommand(Member Root, string Channel, string Title, int BitrateKbps, double UplinkMbps, int MaxChildren, bool Resume, string? Traceparent = null);

[GenerateSerializer, Immutable]
internal sealed record JoinCommand(Member Peer, double UplinkMbps, double LatencyMs);

/// <summary>Peers that left, as the edge that held them says.</summary>
[GenerateSerializer, Immutable]
internal sealed record LeaveCommand(IReadOnlyList<string> PeerIds, string EdgeId);

/// <param name="ParentId">Its parent in the stream that it comes from; null = at the top there.</param>
[GenerateSerializer, Immutable]
internal sealed record ArrivalCommand(Member Peer, double UplinkMbps, double LatencyMs, string? ParentId);

/// <summary>What became of an audience: with a place in every stripe; waiting in one or more; here before; without room.</summary>
[GenerateSerializer, Immutable]
internal sealed record Imported(int Placed, int Waiting, int Known, int Refused);

[GenerateSerializer, Immutable]
internal sealed record HandoverCommand(string PeerId, string AccountId, double UplinkMbps, int MaxChildren);

/// <summary>One of the two.</summary>
/// <param name="Traceparent">The trace that it belongs to; null = none. Commands of one call have their own.</param>
[GenerateSerializer, Immutable]
internal sealed record StreamCommand(JoinCommand? Join, LeaveCommand? Leave, string? Traceparent = null);

/// <param name="Stream">After all of the commands.</param>
/// <param name="Refusals">Of each command, in order.</param>
[GenerateSerializer, Immutable]
internal sealed record CommandReplies(StreamInfo Stream, IReadOnlyList<Refusal> Refusals);

/// <param name="UnknownPeerIds">Those of the reports that the stream does not have.</param>
/// <param name="Owner">See <see cref="ReplicaAddress"/>.</param>
[GenerateSerializer, Immutable]
internal sealed record Reported(IReadOnlyList<string> UnknownPeerIds, string Owner);

[GenerateSerializer, Immutable]
internal sealed record EdgeReports(string EdgeId, IReadOnlyList<MetricsOfPeer> Reports, IReadOnlyList<AnnouncedDigest> Digests);

/// <param name="Receipts">Parent, stripe, bytes.</param>
/// <param name="Claims">Child, stripe, bytes.</param>
/// <param name="AnswerHmac">Null when there is no answer.</param>
/// <param name="UplinkMbps">0 = nothing new.</param>
/// <param name="Faults">Parents that it left because they broke the rules.</param>
/// <param name="Told">What its edge told it last: nothing of a stripe that is not here. Nothing at all: what it was told is not known.</param>
[GenerateSerializer, Immutable]
internal sealed record MetricsOfPeer(
    string PeerId,
    double LatencyMs,
    IReadOnlyList<CountedBytes> Receipts,
    IReadOnlyList<CountedBytes> Claims,
    long AnswerWindow,
    byte[]? AnswerHmac,
    double UplinkMbps,
    IReadOnlyList<StripeNeighbour> Faults,
    IReadOnlyList<ToldOfStripe> Told);

/// <param name="ParentId">Empty = nobody.</param>
/// <param name="StandbyId">Empty = nobody.</param>
[GenerateSerializer, Immutable]
internal readonly record struct ToldOfStripe(int Stripe, string ParentId, string StandbyId);

/// <param name="PeerId">Empty = nobody.</param>
[GenerateSerializer, Immutable]
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StripeNeighbour(int Stripe, string PeerId);

[GenerateSerializer, Immutable]
internal readonly record struct CountedBytes(string OtherId, int Stripe, long Bytes);

[GenerateSerializer, Immutable]
internal sealed record AnnouncedDigest(string PeerId, int Stripe, uint Sequence, byte[] Digest);

/// <param name="IsJournaled">False while the record cannot be written: then what is answered lives as long as the stream's owner.</param>
/// <param name="Owner">See <see cref="ReplicaAddress"/>; empty where it is not said.</param>
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
    bool BroadcasterConnected,
    bool IsJournaled,
    string Owner = "");

[GenerateSerializer, Immutable]
internal sealed record PlaceView(
    string PeerId,
    string? ParentId,
    string? StandbyId,
    int Depth,
    int Slots,
    int Children,
    double UplinkMbps,
    double LatencyMs,
    bool IsDegraded,
    string Reason);

/// <param name="Number">Of the last change that the reader has.</param>
/// <param name="Epoch">Of the owner that numbered it.</param>
[GenerateSerializer, Immutable]
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TreeCursor(long Epoch, long Number);

/// <summary>A part of one stripe's tree, to be read bit by bit without holding up the owner.</summary>
/// <param name="Cursor">Where the tree stood when this part was read: what came later is in the changes after it.</param>
/// <param name="Next">Where the next part begins; 0 = this was the last one.</param>
[GenerateSerializer, Immutable]
internal sealed record TreeSlice(TreeCursor Cursor, TreeFigures Figures, IReadOnlyList<PlaceView> Peers, int Next);

/// <summary>What one commit changed in one stripe's tree: those that changed, as they are then, and who is gone.</summary>
[GenerateSerializer, Immutable]
internal sealed record TreeBatch(TreeFigures Figures, IReadOnlyList<PlaceView> Peers, IReadOnlyList<string> Removed)
{
    public int Size => Peers.Count + Removed.Count;
}

/// <param name="Batches">Null when what followed the cursor is no longer there: read the tree anew.</param>
[GenerateSerializer, Immutable]
internal sealed record TreeNews(TreeCursor Cursor, IReadOnlyList<TreeBatch>? Batches);

[GenerateSerializer, Immutable]
internal sealed record TreeFigures(long Version, double MeanDepth, double IdealMeanDepth, int MaxDepth, int IdealMaxDepth, int Waiting);

[GenerateSerializer, Immutable]
internal sealed record TreeView(TreeFigures Figures, IReadOnlyList<PlaceView> Peers, bool HasMore, IReadOnlyList<string> Waiting);

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
    InvalidHeir,
    OwnerChanged,
    JournalAway,
    TooManyCommands,
}

/// <param name="Holder">With <see cref="Refusal.ChannelAlreadyLive"/>: the stream that is live.</param>
[GenerateSerializer, Immutable]
internal sealed record Reply<T>(Refusal Refusal, T? Value, string? Holder = null)
{
    public static implicit operator Reply<T>(Refusal refusal) => new(refusal, default);

    public static implicit operator Reply<T>(T value) => new(Refusal.None, value);
}
