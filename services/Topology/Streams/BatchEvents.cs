using System.Runtime.InteropServices;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>What happened to the viewers in one batch: for the metrics alone, no decision depends on it.</summary>
internal sealed class BatchEvents
{
    private readonly List<Loss> _losses = [];
    private readonly List<Heal> _heals = [];
    private readonly Dictionary<string, int> _moves = new(StringComparer.Ordinal);

    public int Joins { get; set; }

    public IReadOnlyDictionary<string, int> Moves => _moves;

    public IReadOnlyList<Loss> Losses => _losses;

    public IReadOnlyList<Heal> Heals => _heals;

    public void Add(Loss loss) => _losses.Add(loss);

    public void Add(Heal heal) => _heals.Add(heal);

    public void Moved(string reason) => _moves[reason] = _moves.GetValueOrDefault(reason) + 1;
}

/// <summary>Peers were lost together.</summary>
/// <param name="Orphans">Whose parent they were.</param>
/// <param name="Viewers">All below them, in whole streams: who misses one stripe of four counts a quarter.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Loss(int Orphans, double Viewers);

/// <summary>An orphan has its next parent.</summary>
/// <param name="ByStandby">It was the standby: the orphan had switched to it by itself.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Heal(long LostAtMs, bool ByStandby);

/// <summary>Who lost a parent and has no other one yet. It is not part of the record: a new owner does not time what a former one saw break.</summary>
internal sealed class Orphans
{
    private readonly Dictionary<(string PeerId, int Stripe), Orphan> _orphans = [];

    /// <summary>To be called before these peers leave the trees.</summary>
    public Loss Lose(IReadOnlyList<Tree> stripes, IReadOnlyCollection<string> ids, long nowMs)
    {
        var orphans = new HashSet<string>(StringComparer.Ordinal);
        var hit = 0;
        foreach (var tree in stripes)
        {
            var lost = ids.Select(tree.Find).OfType<Peer>().ToHashSet();
            foreach (var peer in lost)
            {
                foreach (var child in peer.Children)
                {
                    if (lost.Contains(child))
                        continue;
                    orphans.Add(child.Id);
                    _orphans[(child.Id, tree.Stripe)] = new Orphan(nowMs, child.Standby?.Id);
                }

                // Who hangs below two of them is hit once.
                if (!AnyAbove(peer, lost))
                    hit += peer.Subtree().Count(below => !lost.Contains(below));
            }
        }

        foreach (var id in ids)
        {
            foreach (var tree in stripes)
                _orphans.Remove((id, tree.Stripe));
        }

        return new Loss(orphans.Count, (double)hit / stripes.Count);
    }

    public Heal? Placed(string peerId, int stripe, string parentId) =>
        _orphans.Remove((peerId, stripe), out var orphan) ? new Heal(orphan.LostAtMs, orphan.StandbyId == parentId) : null;

    private static bool AnyAbove(Peer peer, HashSet<Peer> lost)
    {
        for (var above = peer.Parent; above is not null; above = above.Parent)
        {
            if (lost.Contains(above))
                return true;
        }

        return false;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Orphan(long LostAtMs, string? StandbyId);
}
