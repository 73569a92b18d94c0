namespace Beacon.Topology.Mesh;

/// <summary>
/// The trees of a stream whose chunks are dealt over several stripes. A viewer relays in one of them alone, its home, with all of its
/// uplink; in the others it is a leaf. So the trees share each uplink without counting it twice, and who leaves takes one stripe of
/// several from those below it.
/// </summary>
internal sealed class StripedTrees
{
    private readonly List<Tree> _stripes;
    private readonly Dictionary<string, int> _homes = new(StringComparer.Ordinal);
    private readonly int[] _peersAtHome;

    /// <param name="rulesOfOne">The rules of one stripe, see <see cref="RulesOfOne"/>.</param>
    public StripedTrees(int stripes, TreeRules rulesOfOne)
    {
        _stripes = [.. Enumerable.Range(0, stripes).Select(stripe => new Tree(stripe, rulesOfOne))];
        _peersAtHome = new int[stripes];
    }

    public IReadOnlyList<Tree> Stripes => _stripes;

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

    public int HomeOf(string id) => _homes[id];

    /// <param name="uplinkMbps">Of the whole stream: each stripe gets its share.</param>
    public void SetRoot(string id, double uplinkMbps, int maxChildren)
    {
        foreach (var tree in _stripes)
            tree.SetRoot(id, uplinkMbps / _stripes.Count, maxChildren);
    }

    /// <summary>A viewer joins every stripe, at home first: what it brings there may be what it needs.</summary>
    public void Join(string id, double uplinkMbps, double latencyMs, long nowMs)
    {
        var home = LeastSpare();
        _homes.Add(id, home);
        _peersAtHome[home]++;
        _stripes[home].Join(id, uplinkMbps, latencyMs, nowMs);
        foreach (var tree in _stripes)
        {
            if (tree.Stripe != home)
                tree.Join(id, uplinkMbps: 0, latencyMs, nowMs);
        }
    }

    public void Leave(string id, long nowMs)
    {
        foreach (var tree in _stripes)
            tree.Leave(id, nowMs);
        Forget(id);
    }

    /// <summary>For who takes a peer out of the trees one by one.</summary>
    public void Forget(string id)
    {
        if (_homes.Remove(id, out var home))
            _peersAtHome[home]--;
    }

    /// <summary>The stripe that needs a relay most; of equals the one with the fewest at home.</summary>
    private int LeastSpare()
    {
        var least = 0;
        for (var stripe = 1; stripe < _stripes.Count; stripe++)
        {
            var bySpare = _stripes[stripe].SpareSlots.CompareTo(_stripes[least].SpareSlots);
            if (bySpare < 0 || (bySpare == 0 && _peersAtHome[stripe] < _peersAtHome[least]))
                least = stripe;
        }

        return least;
    }
}
