namespace Beacon.Topology.Streams;

/// <summary>What the owner remembers of a member beside its places.</summary>
internal sealed class MemberState
{
    private readonly StripeLink[] _links;

    public MemberState(Member member, int stripes, long numbersFrom, long nowMs)
    {
        Member = member;
        NumbersFrom = numbersFrom;
        LastSeenMs = nowMs;
        _links = new StripeLink[stripes];
        for (var stripe = 0; stripe < stripes; stripe++)
            _links[stripe] = new StripeLink();
    }

    public Member Member { get; }

    /// <summary>When it came, or the epoch of the owner that found it in the record: both grow.</summary>
    public long NumbersFrom { get; }

    public long LastSeenMs { get; set; }

    /// <summary>How it is fed in this stripe.</summary>
    public StripeLink this[int stripe] => _links[stripe];
}

/// <summary>A member and its parent in one stripe.</summary>
internal sealed class StripeLink
{
    /// <summary>The parent that it was told last.</summary>
    public string? ParentId { get; set; }

    /// <summary>When it last reported a receipt of this parent.</summary>
    public long FedAtMs { get; set; }

    public int Resends { get; set; }

    /// <summary>Reported since it has this parent; 0 = not yet.</summary>
    public double LatencyMs { get; set; }
}
