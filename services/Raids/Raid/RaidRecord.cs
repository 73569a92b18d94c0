namespace Beacon.Raids.Raid;

/// <summary>
/// What becomes of the audience of one stream when it ends. proposed → moving → done, or proposed → cancelled or failed; a raid that
/// moves can no longer be cancelled, because viewers have left.
/// </summary>
/// <param name="RaidId">Made once, when the raid is proposed.</param>
/// <param name="SourceStartedAtUnixMs">Tells one life of a stream id from a later one that resumed it.</param>
/// <param name="Target">Null when cancelled or failed.</param>
/// <param name="Viewers">Viewers of the source when the raid was proposed.</param>
public sealed record RaidRecord(
    string RaidId,
    string SourceStreamId,
    string SourceChannel,
    string BroadcasterAccountId,
    long SourceStartedAtUnixMs,
    RaidState State,
    RaidTarget? Target,
    int Viewers,
    DateTimeOffset ProposedAt)
{
    /// <summary>True when nothing can change any more.</summary>
    public bool IsFinal => State is RaidState.Done or RaidState.Cancelled or RaidState.Failed;

    /// <summary>The edges were told.</summary>
    public RaidRecord Move() => Target is null
        ? throw new InvalidOperationException($"Raid {RaidId} has no target and cannot move.")
        : To(RaidState.Moving, RaidState.Proposed);

    /// <summary>The source has ended.</summary>
    public RaidRecord Complete() => To(RaidState.Done, RaidState.Moving);

    /// <summary>The broadcaster wants no raid.</summary>
    public RaidRecord Cancel() => To(RaidState.Cancelled, RaidState.Proposed) with { Target = null };

    /// <summary>There is nowhere to go.</summary>
    public RaidRecord Fail() => To(RaidState.Failed, RaidState.Proposed) with { Target = null };

    private RaidRecord To(RaidState next, RaidState from) => State == from
        ? this with { State = next }
        : throw new InvalidOperationException($"Raid {RaidId} is {State} and cannot become {next}.");
}
