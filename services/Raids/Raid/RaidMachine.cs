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

    /// <summary>Give the audience places in the target, so that all have a parent there when they move.</summary>
    Place = 10,
}

/// <summary>An action, and for <see cref="RaidAction.Wait"/> until when.</summary>
public sealed record RaidStep(RaidAction Action, DateTimeOffset Until = default);

/// <summary>The life cycle of a raid: what comes next is a function of the record, of the time, and of what is known of source and target.</summary>
/// <param name="CheckEvery">How often the target is looked at during the countdown, so that the audience hears early of another one.</param>
/// <param name="GiveUpAfter">How long after the end of the countdown a raid is still tried.</param>
/// <param name="PlaceAhead">How long before the end of the countdown the last viewer has a place; zero = nobody is placed ahead.</param>
/// <param name="JoinsPerSecond">How fast places are given.</param>
public sealed record RaidMachine(TimeSpan CheckEvery, TimeSpan GiveUpAfter, TimeSpan PlaceAhead = default, int JoinsPerSecond = 1)
{
    /// <summary>Places are given so often at most; then the audience joins when it moves.</summary>
    private const int MaxPlacings = 3;

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
        var placesAt = PlacesAt(raid);
        if (now >= placesAt)
            return new(RaidAction.Place);
        return new(RaidAction.Wait, Earliest(Earliest(raid.MovesAt, raid.SourceEndsAt, now + CheckEvery), placesAt, DateTimeOffset.MaxValue));
    }

    /// <summary>Late, because who has a place receives two streams; null when it is done, or not to be done.</summary>
    private DateTimeOffset? PlacesAt(RaidRecord raid) => raid.IsPlaced || raid.Placings >= MaxPlacings || raid.Viewers == 0 || PlaceAhead == TimeSpan.Zero
        ? null
        : raid.MovesAt - PlaceAhead - TimeSpan.FromSeconds((double)raid.Viewers / JoinsPerSecond);

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
