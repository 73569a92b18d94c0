using System.Runtime.InteropServices;

namespace Beacon.Simulator;

/// <summary>What the loss of one viewer did.</summary>
[StructLayout(LayoutKind.Auto)]
internal record struct Loss
{
    /// <summary>Viewers that were fed through it, directly or not, counted once a stripe.</summary>
    public int Hit { get; set; }

    /// <summary>Viewers that it would have been if it was a child of the root, and all branches were of one size; 0 where nobody asks.</summary>
    public double HitIfEven { get; set; }

    /// <summary>Its children.</summary>
    public int Orphans { get; set; }

    /// <summary>Of these, who went on to a standby.</summary>
    public int ByStandby { get; set; }
}

/// <summary>A viewer in one tree; depth -1 = nothing reaches it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Place(int Depth, int Slots, int Children, int Reserved, double UplinkMbps);

/// <summary>Something that decides who feeds whom, put through a trace.</summary>
internal interface IPolicy
{
    int Stripes { get; }

    /// <summary>Viewers in trees where nothing reaches them, counted once a stripe.</summary>
    int Stranded { get; }

    void Join(Viewer viewer, long nowMs);

    Loss Leave(string id, long nowMs);

    /// <summary>Time goes on to this moment.</summary>
    void Advance(long nowMs);

    /// <summary>Peers that got another parent although theirs was there, since the last call.</summary>
    int TakeMoves();

    IEnumerable<Place> Places(int stripe);

    int RootSlots(int stripe);
}
