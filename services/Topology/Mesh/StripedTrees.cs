using System.Collections.Immutable;

namespace Beacon.Topology.Mesh;

/// <summary>
/// The trees of a stream whose chunks are dealt over several stripes. A viewer relays in one of them alone, its home, with all of its
/// uplink; in the others it is a leaf. So the trees share each uplink without counting it twice, and who leaves takes one stripe of
/// several from those below it. With one stripe this is that one tree. Deterministic and not thread-safe, as <see cref="Tree"/> is.
/// </summary>
internal sealed partial class StripedTrees
{
    private const int NoHome = -1;

    /// <summary>The share by which a measured uplink has to differ to be news.</summary>
    private const double UplinkNoise = 0.2;

    /// <summary>Slots by which a stripe may be ahead of another before neighbours of an import are parted: all stripes have the same viewers to feed.</summary>
    private const int WorthKeepingTogether = 64;

    private readonly ImmutableArray<Tree> _stripes;
    private readonly Dictionary<string, int> _homes = new(StringComparer.Ordinal);
    private readonly int[] _peersAtHome;

    /// <param name="rulesOfOne">The rules of one stripe, see <see cref="RulesOfOne"/>.</param>
    public StripedTrees(int stripes, TreeRules rulesOfOne)
        : this([.. Enumerable.Range(0, stripes).Select(stripe => new Tree(stripe, rulesOfOne))])
    {
    }

    private StripedTrees(ImmutableArray<Tree> stripes)
    {
        _stripes = stripes;
        _peersAtHome = new int[stripes.Length];
    }

    public ImmutableArray<Tree> Stripes => _stripes;

    public Tree this[int stripe] => _stripes[stripe];

    public string? RootId => _stripes[0].Root?.Id;

    /// <summary>All peers, the root included. Each is in every stripe.</summary>
    public int Count => _stripes[0].Count;

    public IEnumerable<string> Ids => _stripes[0].Peers.Select(peer => peer.Id);

    /// <summary>
    /// What one stripe's tree goes by: a slot costs a share of the bitrate, so the same uplink has as many more slots. The root serves
    /// every stripe, so its slots stay what they are in each.
    /// </summary>
    public static TreeRules RulesOfOne(TreeRules rules, int stripes) => rules with
    {
        BitrateKbps = (rules.BitrateKbps + stripes - 1) / stripes,
        MaxSlots = rules.MaxSlots * stripes,
        SlowStartSlots = rules.SlowStartSlots * stripes,
    };

    public bool Has(string id) => _stripes[0].Find(id) is not null;

    /// <summary>The stripe in which a viewer relays; null while it brings nothing, and for the root, which feeds all of them.</summary>
    public int? HomeOf(string id) => _homes.TryGetValue(id, out var home) ? home : null;

    /// <param name="uplinkMbps">Of the whole stream: each stripe gets its share.</param>
    public void SetRoot(string id, double uplinkMbps, int maxChildren)
    {
        foreach (var tree in _stripes)
            tree.SetRoot(id, uplinkMbps / _stripes.Length, maxChildren);
    }

    /// <summary>A squad member takes over as the broadcaster, in every stripe: see <see cref="Tree.ReplaceRoot"/>.</summary>
    public void ReplaceRoot(string id, double uplinkMbps, int maxChildren, long nowMs)
    {
        LeaveHome(id);
        foreach (var tree in _stripes)
            tree.ReplaceRoot(id, uplinkMbps / _stripes.Length, maxChildren, nowMs);
    }

    /// <summary>A viewer joins every stripe, at home first: what it brings there may be what it needs.</summary>
    public void Join(string id, double uplinkMbps, double latencyMs, long nowMs, string? region = null)
    {
        var ridesFree = uplinkMbps <= 0;
        var home = ridesFree ? NoHome : Settle(id);
        if (home != NoHome)
            _stripes[home].Join(id, uplinkMbps, latencyMs, nowMs, region);
        foreach (var tree in _stripes)
        {
            if (tree.Stripe != home)
                tree.Join(id, uplinkMbps: 0, latencyMs, nowMs, region, ridesFree);
        }
    }

    /// <summary>
    /// An audience comes over, with the shape that it had in its former stream's first tree. Neighbours keep together in the
    /// stripe that needs them most, which becomes their home; in the other stripes they are leaves. Parents stand before their children.
    /// </summary>
    public void Import(IReadOnlyList<Arrival> arrivals, long nowMs)
    {
        var spare = _stripes.Select(tree => tree.SpareSlots).ToArray();
        foreach (var arrival in arrivals)
        {
            if (arrival.UplinkMbps <= 0)
                continue;
            var least = Array.IndexOf(spare, spare.Min());
            var home = arrival.ParentId is { } parent && _homes.TryGetValue(parent, out var ofParent) && spare[ofParent] - spare[least] <= WorthKeepingTogether ? ofParent : least;
            Settle(arrival.Id, home);
            spare[home] += _stripes[home].GrantedAtFirst(arrival.UplinkMbps);
        }

        foreach (var tree in _stripes)
        {
            // A parent in one stripe is none in the others.
            tree.Import(
                [.. arrivals.Select(arrival => HomeOf(arrival.Id) switch
                {
                    null => arrival with { RidesFree = true, ParentId = _stripes.Length == 1 ? arrival.ParentId : null },
                    var home when home == tree.Stripe => arrival,
                    _ => arrival with { UplinkMbps = 0, ParentId = null },
                })],
                nowMs);
        }
    }

    public void Leave(string id, long nowMs) => Leave([id], nowMs);

    /// <summary>Peers are gone together: see <see cref="Tree.Leave(IReadOnlyList{string}, long)"/>.</summary>
    public void Leave(IReadOnlyList<string> ids, long nowMs)
    {
        foreach (var tree in _stripes)
            tree.Leave(ids, nowMs);
        foreach (var id in ids)
            LeaveHome(id);
    }

    /// <summary>For who takes a peer out of the trees one by one.</summary>
    public void Forget(string id) => LeaveHome(id);

    /// <summary>A fresh measurement of the way to a peer, which is the same in every stripe.</summary>
    public void Measured(string id, double latencyMs)
    {
        foreach (var tree in _stripes)
            tree.Measured(id, latencyMs);
    }

    /// <summary>A new claim, of a peer that came back. Who brings something for the first time gets its home now.</summary>
    public void Claimed(string id, double uplinkMbps, int maxChildren, long nowMs)
    {
        if (id == RootId)
        {
            foreach (var tree in _stripes)
                tree.Claimed(id, uplinkMbps / _stripes.Length, maxChildren, nowMs);
            return;
        }

        foreach (var tree in _stripes)
            tree.RidesFree(id, uplinkMbps <= 0);
        if (!_homes.TryGetValue(id, out var home))
        {
            if (uplinkMbps <= 0)
                return;
            home = Settle(id);
        }

        _stripes[home].Claimed(id, uplinkMbps, maxChildren, nowMs);
    }

    /// <summary>
    /// What a relay says by now that its uplink carries takes the place of what it said before; receipts must prove it all the same. Small differences are noise. A
    /// broadcaster that is short of uplink lowers its bitrate, and keeps its slots.
    /// </summary>
    /// <param name="uplinkMbps">0 = nothing new.</param>
    public void UplinkMeasured(string id, double uplinkMbps, long nowMs)
    {
        if (uplinkMbps <= 0 || id == RootId || !_homes.TryGetValue(id, out var home))
            return;
        var known = _stripes[home].Find(id)!.UplinkMbps;
        if (Math.Abs(uplinkMbps - known) > UplinkNoise * known)
            _stripes[home].Claimed(id, uplinkMbps, maxChildren: 0, nowMs);
    }

    /// <summary>What the receipts of a window prove of a peer's children in one stripe.</summary>
    public void Proved(int stripe, string id, int children, long nowMs) => _stripes[stripe].Proved(id, children, nowMs);

    /// <summary>The verdict of a peer's children in one stripe.</summary>
    public void Judged(int stripe, string id, bool bad, long nowMs) => _stripes[stripe].Judged(id, bad, nowMs);

    /// <summary>Enough children say that the peer broke the rules in one stripe.</summary>
    public void Condemned(int stripe, string id, long nowMs) => _stripes[stripe].Condemned(id, nowMs);

    /// <summary>A child has left a parent that broke the rules in one stripe.</summary>
    public void Accused(int stripe, string id, string parentId, long nowMs) => _stripes[stripe].Accused(id, parentId, nowMs);

    /// <summary>The peer cannot reach its parent in one stripe.</summary>
    public void Unreachable(int stripe, string id, long nowMs) => _stripes[stripe].Unreachable(id, nowMs);

    /// <summary>Tells a peer and its neighbours their places in every stripe anew.</summary>
    public void Resend(string id, string reason, long nowMs)
    {
        foreach (var tree in _stripes)
            tree.Resend(id, reason, nowMs);
    }

    /// <summary>Tells one edge of one stripe anew to both ends.</summary>
    public void ResendParent(int stripe, string id, long nowMs) => _stripes[stripe].ResendParent(id, nowMs);

    /// <param name="moves">The most connections to change in each stripe.</param>
    public void Tick(int moves, long nowMs)
    {
        foreach (var tree in _stripes)
            tree.Tick(moves, nowMs);
    }

    /// <summary>Why a peer stands where it stands in one stripe; null while it has no parent there.</summary>
    public Decision? Explain(int stripe, string id) => _stripes[stripe].Explain(id);

    private int Settle(string id) => Settle(id, LeastSpare());

    private int Settle(string id, int home)
    {
        _homes.Add(id, home);
        _peersAtHome[home]++;
        return home;
    }

    private void LeaveHome(string id)
    {
        if (_homes.Remove(id, out var home))
            _peersAtHome[home]--;
    }

    /// <summary>The stripe that needs a relay most; of equals the one with the fewest at home.</summary>
    private int LeastSpare()
    {
        var least = 0;
        for (var stripe = 1; stripe < _stripes.Length; stripe++)
        {
            var bySpare = _stripes[stripe].SpareSlots.CompareTo(_stripes[least].SpareSlots);
            if (bySpare < 0 || (bySpare == 0 && _peersAtHome[stripe] < _peersAtHome[least]))
                least = stripe;
        }

        return least;
    }
}
