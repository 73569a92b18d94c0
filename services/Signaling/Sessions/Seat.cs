using System.Runtime.InteropServices;
using Beacon.Contracts.Topology.V1;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// One peer: the place of a session in a stream. It knows its neighbours in the trees, because signals go only to them, and the newest
/// directive about its parent, its standby and each child, because older ones may still be on the way: they come in any order.
/// </summary>
internal sealed class Seat(Session session, string streamId, string peerId, bool isRoot)
{
    private const string AsParent = "parent";
    private const string AsStandby = "standby";

    /// <summary>Far more than a peer has neighbours, with those that it had.</summary>
    private const int MaxRoles = 128;

    private readonly Lock _gate = new();
    private readonly Dictionary<(int Stripe, string PeerId), Neighbour> _neighbours = [];
    private readonly Dictionary<int, string> _parents = [];
    private readonly Dictionary<int, string> _standbys = [];
    private readonly Dictionary<(int Stripe, string Role), long> _versions = [];
    private readonly List<int> _stripes = [];
    private List<PeerDirective>? _early = [];
    private long _challengedWindow = long.MinValue;
    private string? _raidId;
    private string? _declinedRaidId;
    private long _joinedAt;

    public Session Session { get; } = session;

    public string StreamId { get; } = streamId;

    public string PeerId { get; } = peerId;

    public bool IsRoot { get; } = isRoot;

    /// <summary>The key of HS256 edge tickets to this peer; null when it takes ES256 alone.</summary>
    public byte[]? TicketKey { get; init; }

    /// <summary>The peer must not learn other addresses of this one than that of a TURN server.</summary>
    public bool IsRelayOnly { get; init; }

    /// <summary>When its viewer asked to join, by the clock's timestamp; 0 for a broadcaster.</summary>
    public long JoinedAt
    {
        init => _joinedAt = value;
    }

    /// <summary>Tells Topology of this peer again, after it was forgotten there.</summary>
    public Func<CancellationToken, Task>? Rejoin { get; set; }

    /// <summary>False for the challenge of a window before one that the peer has heard of already.</summary>
    public bool TryChallenge(long window)
    {
        lock (_gate)
        {
            if (window < _challengedWindow)
                return false;
            _challengedWindow = window;
            return true;
        }
    }

    /// <summary>The viewer has its first parent: when it asked to join, once, and then 0.</summary>
    public long TakeJoinedAt() => Interlocked.Exchange(ref _joinedAt, 0);

    /// <summary>False when the peer was sent on by this raid before.</summary>
    public bool TellRaid(string raidId) => Interlocked.Exchange(ref _raidId, raidId) != raidId;

    public bool WasTold(string raidId) => Volatile.Read(ref _raidId) == raidId;

    /// <summary>False when the viewer declined it before.</summary>
    public bool Decline(string raidId) => Interlocked.Exchange(ref _declinedRaidId, raidId) != raidId;

    public bool HasDeclined(string raidId) => Volatile.Read(ref _declinedRaidId) == raidId;

    /// <summary>
    /// Applies a directive, or keeps it until <see cref="Confirm"/>: the bus may be faster than the answer to the join, and the client must
    /// hear of its stream before it hears of its parent. Returns false for a directive that is older than one applied.
    /// </summary>
    public bool TryApply(PeerDirective directive)
    {
        lock (_gate)
        {
            if (_early is not null)
            {
                _early.Add(directive);
                return false;
            }

            return Apply(directive);
        }
    }

    /// <summary>The client knows of its stream: gives the directives that came before, in order.</summary>
    public IReadOnlyList<PeerDirective> Confirm()
    {
        lock (_gate)
        {
            var early = _early ?? [];
            _early = null;
            return [.. early.Where(Apply)];
        }
    }

    /// <summary>What the client was told last, by stripe; before it was told anything, of the first that it has nobody.</summary>
    public IReadOnlyList<PeerTold> Told()
    {
        lock (_gate)
        {
            return _stripes.Count == 0
                ? [new PeerTold()]
                : [.. _stripes.Select(stripe => new PeerTold
                {
                    Stripe = (uint)stripe,
                    ParentPeerId = _parents.GetValueOrDefault(stripe, ""),
                    StandbyPeerId = _standbys.GetValueOrDefault(stripe, ""),
                })];
        }
    }

    /// <summary>The edge replica of a neighbour, null when that peer is none.</summary>
    public string? EdgeOf(int stripe, string peerId)
    {
        lock (_gate)
            return _neighbours.GetValueOrDefault((stripe, peerId)).EdgeId;
    }

    /// <summary>
    /// A child has come with an offer: it is a neighbour, and where it comes from, unless a directive says otherwise later. A child that
    /// moved to another replica may be here before the bus tells of it.
    /// </summary>
    public void Meet(int stripe, string childPeerId, string edgeId)
    {
        lock (_gate)
            _neighbours[(stripe, childPeerId)] = new(edgeId, IsChild: true);
    }

    private bool Apply(PeerDirective directive)
    {
        if (!TryAdvance(directive))
            return false;
        if (!_stripes.Contains(directive.Stripe))
            _stripes.Add(directive.Stripe);
        switch (directive.Kind)
        {
            case DirectiveKind.ParentAssigned or DirectiveKind.Waiting:
                Replace(_parents, directive);
                break;
            case DirectiveKind.StandbyAssigned:
                Replace(_standbys, directive);
                break;
            case DirectiveKind.ChildAssigned when directive.Neighbour is { } child:
                _neighbours[(directive.Stripe, child.PeerId)] = new(child.EdgeId, IsChild: true);
                break;
            case DirectiveKind.ChildRemoved when directive.Neighbour is { } child:
                Release(directive.Stripe, child.PeerId, isChild: false);
                break;
        }

        return true;
    }

    /// <summary>Versions grow per peer and stripe over all kinds. What is not newer than the last word about the same was overtaken; about something else it still counts.</summary>
    private bool TryAdvance(PeerDirective directive)
    {
        var role = (directive.Stripe, directive.Kind switch
        {
            DirectiveKind.ParentAssigned or DirectiveKind.Waiting => AsParent,
            DirectiveKind.StandbyAssigned => AsStandby,
            _ => directive.Neighbour?.PeerId ?? "",
        });
        if (_versions.TryGetValue(role, out var newest) && directive.Version <= newest)
            return false;
        _versions[role] = directive.Version;
        if (_versions.Count > MaxRoles)
        {
            foreach (var old in _versions.Where(one => one.Key.Role is not (AsParent or AsStandby)).OrderBy(one => one.Value).Take(MaxRoles / 2).ToList())
                _versions.Remove(old.Key);
        }

        return true;
    }

    private void Replace(Dictionary<int, string> role, PeerDirective directive)
    {
        var stripe = directive.Stripe;
        if (role.Remove(stripe, out var former) && former != directive.Neighbour?.PeerId)
            Release(stripe, former, IsChild(stripe, former));
        if (directive.Neighbour is not { } now)
            return;
        role[stripe] = now.PeerId;
        _neighbours[(stripe, now.PeerId)] = new(now.EdgeId, IsChild(stripe, now.PeerId));
    }

    /// <summary>A peer has lost a role: it stays a neighbour in another one, which word that came too late is not about.</summary>
    private void Release(int stripe, string peerId, bool isChild)
    {
        if (!isChild && peerId != _parents.GetValueOrDefault(stripe) && peerId != _standbys.GetValueOrDefault(stripe))
            _neighbours.Remove((stripe, peerId));
        else if (_neighbours.TryGetValue((stripe, peerId), out var neighbour))
            _neighbours[(stripe, peerId)] = neighbour with { IsChild = isChild };
    }

    private bool IsChild(int stripe, string peerId) => _neighbours.GetValueOrDefault((stripe, peerId)).IsChild;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Neighbour(string EdgeId, bool IsChild);
}
