namespace Beacon.Raids.Raid;

/// <summary>Where a raid stands. <see cref="Done"/>, <see cref="Cancelled"/> and <see cref="Failed"/> are final.</summary>
public enum RaidState
{
    /// <summary>Recorded; nobody was told.</summary>
    Proposed = 0,

    /// <summary>The audience sees where it will go, and when; the raider may still cancel.</summary>
    Countdown = 1,

    /// <summary>The edges are told, batch by batch; their peers join the targets. There is no way back, because viewers have left.</summary>
    Moving = 2,

    /// <summary>The source has ended and its audience was sent on.</summary>
    Done = 3,

    /// <summary>The broadcaster wanted no raid, or came back.</summary>
    Cancelled = 4,

    /// <summary>There was nowhere to go, the source ended first, or a service could not be reached for too long.</summary>
    Failed = 5,
}

/// <summary>What brought a raid about.</summary>
public enum RaidOrigin
{
    /// <summary>The broadcaster asked for a raid. When it fails or is cancelled the stream goes on.</summary>
    Command = 0,

    /// <summary>The broadcaster ended the stream, which ends with or without a raid.</summary>
    End = 1,

    /// <summary>The broadcaster's connection was lost and its time of grace runs out.</summary>
    BroadcasterLost = 2,
}

/// <summary>Why a raid did not come about, for machines; empty when it did.</summary>
public static class RaidReasons
{
    public const string CancelledByRaider = "cancelled_by_raider";
    public const string NotWanted = "not_wanted";
    public const string BroadcasterReturned = "broadcaster_returned";
    public const string NoTarget = "no_target";
    public const string LimitReached = "limit_reached";
    public const string SourceEnded = "source_ended";
    public const string TimedOut = "timed_out";
}
