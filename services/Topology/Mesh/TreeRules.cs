namespace Beacon.Topology.Mesh;

/// <summary>The figures by which one stream's trees are built. Fixed for the life of the stream.</summary>
internal sealed record TreeRules
{
    /// <summary>Bitrate of one stripe in kbit/s: what one slot costs its parent.</summary>
    public required int BitrateKbps { get; init; }

    /// <summary>The most children of a viewer.</summary>
    public int MaxSlots { get; init; } = 8;

    /// <summary>The most children of the root.</summary>
    public int RootMaxSlots { get; init; } = 4;

    /// <summary>What a claim alone buys; each window may add as many to what receipts have proved.</summary>
    public int SlowStartSlots { get; init; } = 2;

    /// <summary>The share of an uplink that is planned with; the rest is for retransmission, audio peaks and the user's own traffic.</summary>
    public double UplinkShare { get; init; } = 0.8;

    /// <summary>A parent whose children receive less than this, in Mbit/s, is failing them.</summary>
    public double DegradedUploadMbps { get; init; } = 0.5;

    /// <summary>A parent further away than this, in milliseconds of round trip, is failing its children.</summary>
    public double DegradedLatencyMs { get; init; } = 1000;

    /// <summary>Bad windows in a row before a parent is drained.</summary>
    public int DegradedWindows { get; init; } = 2;

    /// <summary>How long a drained parent is the last choice. Doubles with each relapse, at most three times.</summary>
    public long DegradedBackOffMs { get; init; } = 60_000;

    /// <summary>How long the word of a child that its parent broke the rules is remembered.</summary>
    public long AccusationMs { get; init; } = 60_000;

    /// <summary>So many accounts must say so until a parent is condemned.</summary>
    public int LeastAccusers { get; init; } = 2;

    /// <summary>Parents that one account is heard of in that time; 0 = nobody is heard.</summary>
    public int AccusationsPerAccount { get; init; } = 2;

    /// <summary>Who refuses to relay is placed last: as deep as there is room, and after those who share when all wait.</summary>
    public bool FreeRidersLast { get; init; }

    /// <summary>How long a former parent keeps serving a child that was moved.</summary>
    public int DrainMs { get; init; } = 5_000;

    public int MaxPeers { get; init; } = 100_000;

    public int MaxWaiting { get; init; } = 10_000;

    /// <summary>
    /// Slots of a viewer that claims this uplink: floor(share × uplink ÷ bitrate), at most <see cref="MaxSlots"/>. Less than one
    /// slot's worth is no slot: such a peer is a leaf.
    /// </summary>
    public int ClaimedSlots(double uplinkMbps) => Slots(uplinkMbps, MaxSlots);

    /// <summary>
    /// Slots of the root. It is not slow-started, since a false claim harms its own stream alone, and it always has one, since
    /// without it there is no stream.
    /// </summary>
    public int RootSlots(double uplinkMbps, int maxChildren) =>
        Math.Max(1, Slots(uplinkMbps, maxChildren > 0 ? Math.Min(maxChildren, RootMaxSlots) : RootMaxSlots));

    private int Slots(double uplinkMbps, int most)
    {
        // The epsilon keeps 0.8 × 3.125 ÷ 2.5 from being 0.99999.
        var slots = Math.Floor((UplinkShare * uplinkMbps * 1000 / BitrateKbps) + 1e-9);
        return (int)Math.Clamp(slots, 0, most);
    }
}
