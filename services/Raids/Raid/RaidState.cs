namespace Beacon.Raids.Raid;

/// <summary>Where a raid stands. <see cref="Done"/>, <see cref="Cancelled"/> and <see cref="Failed"/> are final.</summary>
public enum RaidState
{
    /// <summary>The target is chosen and recorded; nobody was told.</summary>
    Proposed = 0,

    /// <summary>The edges are told; their peers join the target.</summary>
    Moving = 1,

    /// <summary>The source has ended and its audience was sent on.</summary>
    Done = 2,

    /// <summary>The broadcaster wanted no raid.</summary>
    Cancelled = 3,

    /// <summary>There was nowhere to go.</summary>
    Failed = 4,
}
