namespace Beacon.Raids.Raid;

/// <summary>A part of the audience and where it goes.</summary>
public sealed record RaidShare(RaidTarget Target, int Viewers);

/// <summary>
/// What becomes of the audience of one life of a stream. proposed → countdown → moving → done; proposed or countdown → cancelled or failed.
/// Values only: whoever holds the latest <see cref="Version"/> may write the next one, and a writer that was overtaken is refused.
/// </summary>
public sealed record RaidRecord
{
    /// <summary>Selections that a record keeps; only a raid whose targets keep ending has more.</summary>
    private const int MaxDraws = 8;

    /// <summary>Made once, when the raid is proposed.</summary>
    public required string RaidId { get; init; }

    public required string SourceStreamId { get; init; }

    public required string SourceChannel { get; init; }

    public required string BroadcasterAccountId { get; init; }

    /// <summary>Tells one life of a stream id from a later one that resumed it.</summary>
    public required long SourceStartedAtUnixMs { get; init; }

    public required RaidOrigin Origin { get; init; }

    public RaidState State { get; init; }

    /// <summary>One of <see cref="RaidReasons"/>, empty unless cancelled or failed.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The broadcaster wants no raid; the stream only ends.</summary>
    public bool IsUnwanted { get; init; }

    /// <summary>The main target; null until one is chosen, and when cancelled or failed.</summary>
    public RaidTarget? Target { get; init; }

    /// <summary>All targets with their parts, the main one first; known when places are given, at the latest when the raid moves.</summary>
    public IReadOnlyList<RaidShare> Shares { get; init; } = [];

    /// <summary>Viewers of the source when the raid was proposed, and from the move on those that it began with.</summary>
    public int Viewers { get; init; }

    public required DateTimeOffset ProposedAt { get; init; }

    /// <summary>When the countdown ends.</summary>
    public required DateTimeOffset MovesAt { get; init; }

    /// <summary>When the source ends by itself, because its broadcaster is away; null when it is there.</summary>
    public DateTimeOffset? SourceEndsAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The secret of the draws, hexadecimal; revealed when the raid is final.</summary>
    public string Seed { get; init; } = "";

    /// <summary>The latest selections; <see cref="DrawsMade"/> counts the draws of all.</summary>
    public IReadOnlyList<TargetDraw> Draws { get; init; } = [];

    public int DrawsMade { get; init; }

    /// <summary>The audience has places in its targets, so that nothing but the word to go is missing.</summary>
    public bool IsPlaced { get; init; }

    /// <summary>How often it was begun to give the audience places.</summary>
    public int Placings { get; init; }

    /// <summary>Viewers who stayed behind on purpose; counted when the raid is final.</summary>
    public int Declined { get; init; }

    /// <summary>Everybody was told; only the end of the source is missing.</summary>
    public bool IsTold { get; init; }

    /// <summary>Grows with each write.</summary>
    public long Version { get; init; } = 1;

    /// <summary>The process that carries the raid on at the moment, until <see cref="LeaseUntil"/>; empty when none does.</summary>
    public string Owner { get; init; } = "";

    public DateTimeOffset LeaseUntil { get; init; }

    /// <summary>True when nothing can change any more.</summary>
    public bool IsFinal => State is RaidState.Done or RaidState.Cancelled or RaidState.Failed;

    /// <summary>True when the source ends with this raid whatever comes of it.</summary>
    public bool EndsStream => Origin != RaidOrigin.Command;

    /// <summary>
    /// True when the source leaves by this raid and so is no target itself. A lost broadcaster mostly comes back, and is one again at once; while it
    /// is away, everybody sees that it is.
    /// </summary>
    public bool Leaves => Origin != RaidOrigin.BroadcasterLost || State == RaidState.Moving;

    /// <summary>The audience was told of the target and of the time.</summary>
    public RaidRecord Announce() => Target is null
        ? throw new InvalidOperationException($"Raid {RaidId} has no target and cannot be announced.")
        : To(RaidState.Countdown, State is RaidState.Proposed or RaidState.Countdown);

    /// <summary>Another target, because the former one is no longer fit, or the first.</summary>
    public RaidRecord Aim(RaidTarget target, IReadOnlyList<TargetDraw> draws) => IsFinal || State == RaidState.Moving
        ? throw new InvalidOperationException($"Raid {RaidId} is {State} and cannot take another target.")
        : this with
        {
            Target = target,
            Shares = [],
            IsPlaced = false,
            Draws = [.. Draws.Concat(draws).TakeLast(MaxDraws)],
            DrawsMade = DrawsMade + draws.Sum(draw => draw.Steps.Count),
        };

    /// <summary>The audience is about to get places in these targets.</summary>
    public RaidRecord Place(IReadOnlyList<RaidShare> shares) => shares.Count == 0 || State != RaidState.Countdown
        ? throw new InvalidOperationException($"Raid {RaidId} is {State} with {shares.Count} targets and cannot give places.")
        : this with { Target = shares[0].Target, Shares = shares, Placings = Placings + 1 };

    /// <summary>The edges are about to be told.</summary>
    public RaidRecord Move(IReadOnlyList<RaidShare> shares) => shares.Count == 0
        ? throw new InvalidOperationException($"Raid {RaidId} has no target and cannot move.")
        : To(RaidState.Moving, State is RaidState.Proposed or RaidState.Countdown) with
        {
            Target = shares[0].Target,
            Shares = shares,
            Viewers = shares.Sum(share => share.Viewers),
        };

    /// <summary>The source has ended.</summary>
    public RaidRecord Complete(DateTimeOffset now) => To(RaidState.Done, State == RaidState.Moving) with { FinishedAt = now };

    /// <summary>The broadcaster wants no raid.</summary>
    public RaidRecord Cancel(string reason, DateTimeOffset now) =>
        To(RaidState.Cancelled, State is RaidState.Proposed or RaidState.Countdown) with { Target = null, Reason = reason, FinishedAt = now };

    /// <summary>It cannot be.</summary>
    public RaidRecord Fail(string reason, DateTimeOffset now) => To(RaidState.Failed, !IsFinal) with { Target = null, Reason = reason, FinishedAt = now };

    private RaidRecord To(RaidState next, bool allowed) => allowed
        ? this with { State = next }
        : throw new InvalidOperationException($"Raid {RaidId} is {State} and cannot become {next}.");
}
