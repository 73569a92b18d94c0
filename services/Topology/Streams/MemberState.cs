using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Mesh;
using Google.Protobuf;

namespace Beacon.Topology.Streams;

/// <summary>
/// What the owner remembers of a member beside its places. The member's peer in each tree leads here, so that what a tree tells of many
/// peers costs no search for each of them.
/// </summary>
internal sealed class MemberState
{
    private readonly StripeLink[] _links;

    public MemberState(Member member, int stripes, long numbersFrom, long nowMs)
    {
        _links = new StripeLink[stripes];
        Renew(member, numbersFrom, nowMs);
    }

    public Member Member { get; private set; }

    /// <summary>As work is counted.</summary>
    public Party Party { get; private set; }

    /// <summary>As others are told of it: a <see cref="PeerNeighbour"/>, encoded.</summary>
    public ByteString Neighbour { get; private set; }

    /// <summary>When it came, or, for one that was found in the record, more than any that a former owner gave out.</summary>
    public long NumbersFrom { get; private set; }

    public long LastSeenMs { get; set; }

    /// <summary>Its number in the <see cref="Roll"/>.</summary>
    public int Number { get; set; }

    /// <summary>Its facts are for the next batch.</summary>
    public bool IsNew { get; set; }

    /// <summary>Its places are for the next batch.</summary>
    public bool IsChanged { get; set; }

    /// <summary>The number of the latest news with a new parent for it.</summary>
    public long HasNewParentIn { get; set; }

    /// <summary>It has left; who comes back under its id is another one.</summary>
    public bool IsGone { get; set; }

    /// <summary>How it is fed in this stripe.</summary>
    public ref StripeLink this[int stripe] => ref _links[stripe];

    public static MemberState Of(Peer peer) => (MemberState)peer.Tag!;

    /// <summary>It came back, perhaps by another edge: what was known of how it is fed is out of date.</summary>
    [MemberNotNull(nameof(Member), nameof(Party), nameof(Neighbour))]
    public void Renew(Member member, long numbersFrom, long nowMs)
    {
        Member = member;
        Party = new Party(member.PeerId, member.AccountId, member.AddressBlock);
        Neighbour = new PeerNeighbour { PeerId = member.PeerId, EdgeId = member.EdgeId, TicketMac = member.TicketMac }.ToByteString();
        NumbersFrom = numbersFrom;
        LastSeenMs = nowMs;
        foreach (ref var link in _links.AsSpan())
            link = new StripeLink { Peer = link.Peer, ParentId = link.ParentId };
    }
}

/// <summary>A member and its parent in one stripe.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct StripeLink
{
    /// <summary>Its place in the stripe's tree.</summary>
    public Peer Peer { get; set; }

    /// <summary>The parent that it was told last.</summary>
    public string? ParentId { get; set; }

    /// <summary>When it last reported a receipt of this parent.</summary>
    public long FedAtMs { get; set; }

    public int Resends { get; set; }

    /// <summary>Since then its edge says that it told it another parent or standby than it has; 0 = it told it these.</summary>
    public long UntoldSinceMs { get; set; }

    /// <summary>Reported since it has this parent; 0 = not yet.</summary>
    public double LatencyMs { get; set; }
}
