using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Grpc;

/// <summary>What is checked of a request before anybody acts on it.</summary>
internal static class Requests
{
    public const int MaxBatch = 1_024;
    private const int MaxCounters = 64;
    private const int MaxFaults = 16;
    private const int MaxStripes = 8;

    /// <summary>What is planned with of an uplink that goes through a TURN server: it loads that server twice, and should be a parent last.</summary>
    private const double RelayOnlyShare = 0.25;
    private const double MaxUplinkMbps = 10_000;

    public static string StreamId(string streamId) =>
        Guid.TryParseExact(streamId, "D", out _) && !streamId.Any(char.IsUpper) ? streamId : throw TopologyErrors.InvalidStreamId.Exception();

    public static Member Member(PeerIdentity? peer)
    {
        if (peer is null || !IsId(peer.PeerId) || !IsId(peer.AccountId) || !IsId(peer.EdgeId) || peer.AddressBlock.Length > 64 || !(peer.Region.Length == 0 || (peer.Region.Length <= 64 && IsId(peer.Region))))
            throw TopologyErrors.InvalidPeer.Exception();
        // The edges are few, and everybody has one.
        return new Member(peer.PeerId, peer.AccountId, string.Intern(peer.EdgeId), peer.AddressBlock, peer.Region, peer.TicketMac);
    }

    public static double Uplink(double uplinkMbps) =>
        uplinkMbps is >= 0 and <= MaxUplinkMbps ? uplinkMbps : throw TopologyErrors.InvalidUplink.Exception();

    public static JoinCommand Join(JoinStreamRequest request) => Join(request.Peer, request.UplinkMbps, request.LatencyMs, request.RelayOnly);

    public static JoinCommand Join(PeerJoin join) => Join(join.Peer, join.UplinkMbps, join.LatencyMs, join.RelayOnly);

    private static JoinCommand Join(PeerIdentity? peer, double uplinkMbps, uint latencyMs, bool isRelayOnly) =>
        new(Member(peer), Uplink(uplinkMbps) * (isRelayOnly ? RelayOnlyShare : 1), latencyMs);

    public static StartCommand Start(StartStreamRequest request)
    {
        if (request.Channel.Length is < 1 or > 128)
            throw TopologyErrors.InvalidChannel.Exception();
        if (request.Title.Length is < 1 or > 120)
            throw TopologyErrors.InvalidTitle.Exception();
        if (request.BitrateKbps is < 32 or > 50_000)
            throw TopologyErrors.InvalidBitrate.Exception();
        return new StartCommand(
            Member(request.Root), request.Channel, request.Title, (int)request.BitrateKbps, Uplink(request.UplinkMbps), MaxChildren(request.MaxChildren), request.Resume);
    }

    public static IReadOnlyList<ArrivalCommand> Arrivals(ImportAudienceRequest request) =>
        request.Arrivals.Count is > 0 and <= MaxBatch
            ? [.. request.Arrivals.Select(arrival => new ArrivalCommand(
                Member(arrival.Peer),
                Uplink(arrival.UplinkMbps),
                arrival.LatencyMs,
                arrival.FormerParentPeerId.Length == 0 ? null : arrival.FormerParentPeerId))]
            : throw TopologyErrors.InvalidBatch.Exception();

    public static int MaxChildren(uint children) => children <= 4 ? (int)children : throw TopologyErrors.InvalidMaxChildren.Exception();

    /// <summary>Null when a figure is no figure: such a report is dropped, the others of its batch are not.</summary>
    public static MetricsOfPeer? Report(PeerReport report)
    {
        if (!double.IsFinite(report.LatencyMs) || report.LatencyMs < 0 || report.UplinkMbps is not (>= 0 and <= MaxUplinkMbps)
            || report.Receipts.Count > MaxCounters || report.Claims.Count > MaxCounters
            || report.Faults.Count > MaxFaults || report.Told.Count > MaxStripes)
            return null;
        return new MetricsOfPeer(
            report.PeerId,
            report.LatencyMs,
            [.. report.Receipts.Select(receipt => new CountedBytes(receipt.ParentPeerId, (int)Math.Min(receipt.Stripe, 255), Bytes(receipt.Bytes)))],
            [.. report.Claims.Select(claim => new CountedBytes(claim.ChildPeerId, (int)Math.Min(claim.Stripe, 255), Bytes(claim.Bytes)))],
            (long)Math.Min(report.AnswerWindow, long.MaxValue),
            report.AnswerWindow > 0 && report.AnswerHmac.Length == Mesh.Challenge.AnswerBytes ? report.AnswerHmac.ToByteArray() : null,
            report.UplinkMbps,
            [.. report.Faults.Where(fault => fault.Kind != 0).Select(fault => new StripeNeighbour((int)Math.Min(fault.Stripe, 255), fault.ParentPeerId))],
            [.. report.Told.Select(told => new ToldOfStripe((int)Math.Min(told.Stripe, 255), told.ParentPeerId, told.StandbyPeerId))]);
    }

    private static long Bytes(ulong bytes) => (long)Math.Min(bytes, long.MaxValue);

    private static bool IsId(string id) => id.Length is >= 1 and <= 128 && id.All(character => character is > ' ' and <= '~');
}
