using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Streams;

namespace Beacon.Topology.Grpc;

/// <summary>Trees as the contract says them.</summary>
internal static class TreeMessages
{
    /// <summary>The most peers in one message to a watcher.</summary>
    public const int MaxPeers = 1_000;

    public static TreePeer Peer(PlaceView place) => new()
    {
        PeerId = place.PeerId,
        ParentPeerId = place.ParentId ?? "",
        StandbyPeerId = place.StandbyId ?? "",
        Depth = (uint)Math.Max(0, place.Depth),
        Slots = (uint)place.Slots,
        Children = (uint)place.Children,
        UplinkMbps = place.UplinkMbps,
        LatencyMs = place.LatencyMs,
        Health = place.Depth < 0 ? PeerHealth.Orphaned : place.IsDegraded ? PeerHealth.Degraded : PeerHealth.Good,
    };

    public static TreeQuality Quality(TreeFigures figures) => new()
    {
        MeanDepth = figures.MeanDepth,
        IdealMeanDepth = figures.IdealMeanDepth,
        MaxDepth = (uint)figures.MaxDepth,
        IdealMaxDepth = (uint)figures.IdealMaxDepth,
    };

    public static TreeChange Left(string peerId) => new() { Kind = TreeChangeKind.Left, Peer = new TreePeer { PeerId = peerId } };

    /// <param name="before">As it was known; null = it was not.</param>
    public static TreeChange Change(PlaceView? before, PlaceView now) => new()
    {
        Kind = before is null ? TreeChangeKind.Joined : before.ParentId != now.ParentId ? TreeChangeKind.Moved : TreeChangeKind.Updated,
        Peer = Peer(now),
        Reason = now.ParentId is null ? "" : now.Reason,
    };

    public static IEnumerable<WatchTreeResponse> Changes(TreeFigures figures, IReadOnlyList<TreeChange> changes) =>
        changes.Chunk(MaxPeers).Select(part => new WatchTreeResponse
        {
            Changes = new TreeChanges { Version = (ulong)figures.Version, Changes = { part }, Quality = Quality(figures), Waiting = (uint)figures.Waiting },
        });

    public static IReadOnlyList<WatchTreeResponse> Snapshot(TreeFigures figures, IReadOnlyList<TreePeer> peers)
    {
        var parts = peers.Chunk(MaxPeers).DefaultIfEmpty([]).ToList();
        return
        [
            .. parts.Select((part, at) => new WatchTreeResponse
            {
                Snapshot = new TreeSnapshot
                {
                    Version = (ulong)figures.Version,
                    Peers = { part },
                    More = at < parts.Count - 1,
                    Quality = Quality(figures),
                    Waiting = (uint)figures.Waiting,
                },
            }),
        ];
    }
}
