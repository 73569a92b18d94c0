namespace Beacon.Contracts.Events;

/// <summary>
/// The viewers of one stream are sent to another, or a part of them. Published by Raids before the stream ends; edges tell their peers, each
/// once a raid.
/// </summary>
/// <param name="PeerIds">Who is sent there. Empty: everybody who was not told yet.</param>
public sealed record RaidLaunched(
    string RaidId,
    string FromStreamId,
    string TargetStreamId,
    string TargetChannel,
    string TargetTitle,
    int Viewers,
    DateTimeOffset LaunchedAt,
    IReadOnlyList<string> PeerIds);

/// <summary>A raid is coming. Published by Raids when the countdown begins, and again when the target changes.</summary>
/// <param name="MovesAt">When the audience will be sent on.</param>
public sealed record RaidAnnounced(
    string RaidId,
    string FromStreamId,
    string TargetStreamId,
    string TargetChannel,
    string TargetTitle,
    int Viewers,
    DateTimeOffset MovesAt);

/// <summary>A raid that was announced does not take place. Published by Raids; the audience stays.</summary>
/// <param name="Reason">As in the raid's history, e.g. <c>cancelled_by_raider</c>.</param>
public sealed record RaidCancelled(string RaidId, string FromStreamId, string Reason);
