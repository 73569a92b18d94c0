using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>What of a peer's place outlives its owner.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PeerRecord(
    string Id,
    bool IsRoot,
    double UplinkMbps,
    double LatencyMs,
    int Slots,
    string? ParentId,
    string? StandbyId,
    long Version,
    string Reason,
    long AssignedAtMs,
    long DegradedUntilMs,
    int Strikes,
    long WaitingSince,
    bool WaitsAsOrphan,
    string? Region = null,
    bool RidesFree = false,
    EvictionRecords? Evictions = null);

/// <summary>A parent to which the peer is not sent back before that time.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EvictionRecord(string FromId, long UntilMs);

/// <summary>All of one peer, equal by value like the record that they are part of.</summary>
internal sealed class EvictionRecords(IReadOnlyList<EvictionRecord> all) : IEquatable<EvictionRecords>
{
    public IReadOnlyList<EvictionRecord> All { get; } = all;

    public bool Equals(EvictionRecords? other) => other is not null && All.SequenceEqual(other.All);

    public override bool Equals(object? obj) => Equals(obj as EvictionRecords);

    public override int GetHashCode() => All.Count;
}

internal sealed partial class Tree
{
    public PeerRecord Record(Peer peer) => new(
        peer.Id,
        peer.IsRoot,
        peer.UplinkMbps,
        peer.LatencyMs,
        peer.Slots,
        peer.Parent?.Id,
        peer.Standby?.Id,
        peer.Version,
        peer.Reason,
        peer.AssignedAtMs,
        peer.DegradedUntilMs,
        peer.Strikes,
        peer.WaitingSince,
        peer.WaitsAsOrphan,
        _regions.NameOf(peer.Region),
        peer.RidesFree,
        _evictions.TryGetValue(peer, out var evictions)
            ? new EvictionRecords([.. evictions.Select(eviction => new EvictionRecord(eviction.From.Id, eviction.UntilMs))])
            : null);

    /// <summary>The tree that these records describe. What no path joins to the root any more waits as an orphan.</summary>
    public static Tree Restore(int stripe, TreeRules rules, long version, IEnumerable<PeerRecord> records, long nowMs)
    {
        var tree = new Tree(stripe, rules) { Version = version };
        var inOrder = records.OrderBy(record => record.Id, StringComparer.Ordinal).ToList();
        foreach (var record in inOrder)
            tree.Register(tree.FromRecord(record));
        tree.Root = tree._peers.Values.SingleOrDefault(peer => peer.IsRoot);
        // A chain begins with the latest: in reverse order it comes out in order.
        foreach (var record in Enumerable.Reverse(inOrder).Where(record => record.ParentId is not null))
        {
            if (!tree._peers.TryGetValue(record.ParentId!, out var parent))
                continue;
            parent.AddChild(tree._peers[record.Id]);
            tree.Grow(parent, 1);
        }

        foreach (var record in Enumerable.Reverse(inOrder).Where(record => record.StandbyId is not null))
        {
            if (!tree._peers.TryGetValue(record.StandbyId!, out var standby))
                continue;
            standby.AddHolder(tree._peers[record.Id]);
            tree.StandbyCount++;
        }

        foreach (var record in inOrder)
        {
            foreach (var eviction in record.Evictions?.All ?? [])
            {
                if (tree._peers.TryGetValue(eviction.FromId, out var from))
                    tree.Evict(tree._peers[record.Id], from, eviction.UntilMs);
            }
        }

        if (tree.Root is not null)
        {
            foreach (var peer in tree.Root.Subtree())
            {
                if (peer.Parent is { } parent)
                    tree.SetBranch(peer, parent.IsRoot ? tree.TakeBranch(peer) : parent.Branch);
                tree.SetDepth(peer, peer.Parent is null ? 0 : peer.Parent.Depth + 1);
            }
        }

        foreach (var peer in tree._peers.Values.Where(peer => peer is { Parent: null, IsRoot: false }))
        {
            if (peer.IsWaiting)
                tree._waiting.Restore(peer);
            else
                tree.Strand(peer, nowMs);
        }

        foreach (var peer in tree._peers.Values)
        {
            if (peer is { IsAttached: true, Standby: null })
                tree.WantStandby(peer);
        }

        tree._degraded.AddRange(tree._peers.Values.Where(peer => peer.IsDegraded));
        tree.AdmitWaiting(nowMs);
        tree.Finish();
        return tree;
    }

    private Peer FromRecord(PeerRecord record) => new(record.Id, record.IsRoot, _nextOrder++)
    {
        UplinkMbps = record.UplinkMbps,
        LatencyMs = (float)record.LatencyMs,
        Slots = record.Slots,
        Version = record.Version,
        Reason = record.Reason,
        AssignedAtMs = record.AssignedAtMs,
        DegradedUntilMs = record.DegradedUntilMs,
        Strikes = (byte)record.Strikes,
        WaitingSince = record.WaitingSince,
        WaitsAsOrphan = record.WaitsAsOrphan,
        RidesFree = record.RidesFree,
        Region = _regions.NumberOf(record.Region),
    };
}
