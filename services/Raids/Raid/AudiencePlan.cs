namespace Beacon.Raids.Raid;

/// <summary>A viewer of the source, parents before their children.</summary>
/// <param name="ParentId">Null, or somebody who is not in the list, for the top of a subtree.</param>
public sealed record AudiencePeer(string PeerId, string? ParentId, double UplinkMbps);

/// <summary>What a newcomer is reckoned to bring.</summary>
/// <param name="SlotsAtFirst">The most slots that an unproven peer gets.</param>
/// <param name="UplinkShare">The share of an uplink that is planned with.</param>
public sealed record NewcomerRules(int SlotsAtFirst, double UplinkShare)
{
    /// <summary>Slots of a newcomer in a stream of this bitrate; an unknown bitrate grants nothing.</summary>
    public int Slots(double uplinkMbps, int bitrateKbps) => bitrateKbps <= 0
        ? 0
        : (int)Math.Min(SlotsAtFirst, Math.Floor(Math.Max(0, uplinkMbps) * 1000 * UplinkShare / bitrateKbps));
}

/// <summary>One target, and what it can take.</summary>
/// <param name="MaxViewers">The largest audience that it wants, 0 = any.</param>
public sealed record PlanTarget(RaidTarget Stream, int MaxViewers = 0);

/// <summary>Viewers that are told together.</summary>
public sealed record PlannedBatch(int Target, IReadOnlyList<string> PeerIds);

/// <summary>
/// Who goes where, and in which order. The resource index of a target is its spare slots plus the slots that the newcomers bring, minus one
/// for each newcomer: while it is not negative everybody finds a place, the strong ones first. The largest subtrees are placed first, into
/// the main target while it has room, else into the one with the most; a subtree that fits nowhere is taken apart; who is left goes to the
/// main target and waits there.
/// </summary>
public sealed class AudiencePlan
{
    private readonly List<Group>[] _groups;
    private readonly int[] _room;
    private readonly int[] _counts;

    private AudiencePlan(int targets)
    {
        _groups = [.. Enumerable.Range(0, targets).Select(_ => new List<Group>())];
        _room = new int[targets];
        _counts = new int[targets];
    }

    /// <summary>Viewers for each target.</summary>
    public IReadOnlyList<int> Counts => _counts;

    /// <summary>Newcomers for whom no target has room.</summary>
    public int Waiting { get; private set; }

    public static AudiencePlan Make(IReadOnlyList<AudiencePeer> audience, IReadOnlyList<PlanTarget> targets, NewcomerRules rules)
    {
        if (targets.Count == 0)
            throw new ArgumentException("An audience needs a target.", nameof(targets));
        var plan = new AudiencePlan(targets.Count);
        for (var index = 0; index < targets.Count; index++)
            plan._room[index] = targets[index].Stream.SpareSlots;
        var open = new PriorityQueue<Group, (int, int)>();
        foreach (var group in Subtrees(audience))
            open.Enqueue(group, (-group.Size, group.Order));
        while (open.TryDequeue(out var group, out _))
        {
            if (plan.TryPlace(group, targets, rules))
                continue;
            if (group.Size == 1)
            {
                plan.Put(group, 0, targets, rules);
                plan.Waiting++;
                continue;
            }

            foreach (var part in group.Apart())
                open.Enqueue(part, (-part.Size, part.Order));
        }

        return plan;
    }

    /// <summary>The order of the move: for each target those subtrees first that bring the most, whole ones in one batch where they fit.</summary>
    public IReadOnlyList<PlannedBatch> Batches(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        var lines = Enumerable.Range(0, _groups.Length).Select(target => Lines(target, size)).ToList();
        // The targets take turns: each has a join budget of its own.
        return [.. Enumerable.Range(0, lines.Max(line => line.Count)).SelectMany(turn => lines.Where(line => turn < line.Count).Select(line => line[turn]))];
    }

    private List<PlannedBatch> Lines(int target, int size)
    {
        List<PlannedBatch> batches = [];
        List<string> batch = [];
        foreach (var group in _groups[target].OrderByDescending(group => group.Gain).ThenBy(group => group.Order))
        {
            if (batch.Count > 0 && group.Size <= size && batch.Count + group.Size > size)
                Close();
            foreach (var peer in group.Peers)
            {
                batch.Add(peer.PeerId);
                if (batch.Count == size)
                    Close();
            }
        }

        if (batch.Count > 0)
            Close();
        return batches;

        void Close()
        {
            batches.Add(new PlannedBatch(target, batch));
            batch = [];
        }
    }

    private bool TryPlace(Group group, IReadOnlyList<PlanTarget> targets, NewcomerRules rules)
    {
        var best = -1;
        for (var index = 0; index < targets.Count; index++)
        {
            var isFit = _room[index] > 0
                && _room[index] + group.Brings(rules, targets[index].Stream.BitrateKbps) - group.Size >= 0
                && (targets[index].MaxViewers == 0 || _counts[index] + group.Size <= targets[index].MaxViewers);
            if (isFit && (best < 0 || _room[index] > _room[best]))
                best = index;
            if (isFit && index == 0)
                break;
        }

        if (best < 0)
            return false;
        Put(group, best, targets, rules);
        return true;
    }

    private void Put(Group group, int target, IReadOnlyList<PlanTarget> targets, NewcomerRules rules)
    {
        group.Gain = group.Brings(rules, targets[target].Stream.BitrateKbps) - group.Size;
        _room[target] += group.Gain;
        _counts[target] += group.Size;
        _groups[target].Add(group);
    }

    private static List<Group> Subtrees(IReadOnlyList<AudiencePeer> audience)
    {
        var groups = new Dictionary<string, Group>(StringComparer.Ordinal);
        List<Group> tops = [];
        foreach (var peer in audience)
        {
            if (peer.ParentId is { } parent && groups.TryGetValue(parent, out var group))
            {
                group.Peers.Add(peer);
            }
            else
            {
                group = new Group(tops.Count) { Peers = { peer } };
                tops.Add(group);
            }

            groups[peer.PeerId] = group;
        }

        return tops;
    }

    /// <summary>A subtree, its top first.</summary>
    private sealed class Group(int order)
    {
        public int Order { get; } = order;

        public List<AudiencePeer> Peers { get; init; } = [];

        public int Size => Peers.Count;

        public int Gain { get; set; }

        public int Brings(NewcomerRules rules, int bitrateKbps) => Peers.Sum(peer => rules.Slots(peer.UplinkMbps, bitrateKbps));

        /// <summary>The top by itself, and the subtrees below it.</summary>
        public IEnumerable<Group> Apart() => Subtrees(Peers[1..]).Select(below => new Group(Order) { Peers = below.Peers }).Prepend(new Group(Order) { Peers = [Peers[0]] });
    }
}
