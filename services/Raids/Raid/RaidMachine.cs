namespace Beacon.Raids.Raid;

/// <summary>What is known of the stream whose audience moves.</summary>
public enum SourceCondition
{
    Live = 0,

    /// <summary>Its broadcaster's connection is lost and the time of grace runs.</summary>
    Away = 1,

    /// <summary>It has ended, or another life of the same id has begun.</summary>
    Gone = 2,
}

/// <summary>What a raid needs next.</summary>
public enum RaidAction
{
    /// <summary>Nothing for ever: the raid is final.</summary>
    Nothing = 0,

    /// <summary>Nothing until the time given.</summary>
    Wait = 1,

    /// <summary>Choose a target, or the next one.</summary>
    Select = 2,

    /// <summary>Tell the audience what is coming.</summary>
    Announce = 3,

    /// <summary>The broadcaster is back: forget that the source would have ended.</summary>
    Reprieve = 4,

    /// <summary>Send the audience on, or go on sending it.</summary>
    Move = 5,

    /// <summary>End the source without a raid.</summary>
    EndOnly = 6,

    /// <summary>The broadcaster came back before anybody was told.</summary>
    Forget = 7,

    /// <summary>The source ended by another way.</summary>
    FailSourceEnded = 8,

    /// <summary>It has been tried for too long.</summary>
    GiveUp = 9,
}

/// <summary>An action, and for <see cref="RaidAction.Wait"/> until when.</summary>
public sealed record RaidStep(RaidAction Action, DateTimeOffset Until = default);

/// <summary>The life cycle of a raid: what comes next is a function of the record, of the time, and of what is known of source and target.</summary>
/// <param name="CheckEvery">How often the target is looked at during the countdown, so that the audience hears early of another one.</param>
/// <param name="GiveUpAfter">How long after the end of the countdown a raid is still tried.</param>
public sealed record RaidMachine(TimeSpan CheckEvery, TimeSpan GiveUpAfter)
{
    /// <summary>The next step.</summary>
    /// <param name="isTargetFit">The record has a target and it is live, present, not leaving and still willing.</param>
    public RaidStep Next(RaidRecord raid, DateTimeOffset now, SourceCondition source, bool isTargetFit)
    {
        if (raid.IsFinal)
            return new(RaidAction.Nothing);
        if (now >= raid.MovesAt + GiveUpAfter)
            return new(RaidAction.GiveUp);
        if (raid.State == RaidState.Moving)
            return new(RaidAction.Move);
        if (source == SourceCondition.Gone)
            return new(RaidAction.FailSourceEnded);
        if (raid.IsUnwanted)
            return new(RaidAction.EndOnly);
        if (raid.Origin == RaidOrigin.BroadcasterLost)
            return WhenLost(raid, now, source, isTargetFit);
        if (!isTargetFit)
            return new(RaidAction.Select);
        if (now >= raid.MovesAt)
            return new(RaidAction.Move);
        if (raid.State == RaidState.Proposed)
            return new(RaidAction.Announce);
        if (raid.SourceEndsAt <= now)
            return new(source == SourceCondition.Away ? RaidAction.Move : RaidAction.Reprieve);
        return new(RaidAction.Wait, Earliest(raid.MovesAt, raid.SourceEndsAt, now + CheckEvery));
    }

    /// <summary>Nobody is told and no target is chosen before the grace has run out: most broadcasters come back.</summary>
    private static RaidStep WhenLost(RaidRecord raid, DateTimeOffset now, SourceCondition source, bool isTargetFit)
    {
        if (source == SourceCondition.Live)
            return new(RaidAction.Forget);
        if (now < raid.MovesAt)
            return new(RaidAction.Wait, raid.MovesAt);
        return new(isTargetFit ? RaidAction.Move : RaidAction.Select);
    }

    private static DateTimeOffset Earliest(DateTimeOffset one, DateTimeOffset? other, DateTimeOffset third)
    {
        var earliest = one < third ? one : third;
        return other < earliest ? other.Value : earliest;
    }
}
