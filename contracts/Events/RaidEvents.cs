namespace Beacon.Contracts.Events;

/// <summary>
/// The viewers of one stream are sent to another, or a part of them. Published by Raids before the stream ends; edges tell their peers, each
/// once a raid.
/// </summary>
/// <param name="PeerIds">Who is sent there. Empty: everybody who was not told yet.</param>
/// <param name="PlacesHold">Who has a place (<see cref="RaidPrepared"/>) goes there instead; otherwise places in other targets are given back.</param>
public sealed record RaidLaunched(
    string RaidId,
    string FromStreamId,
    string TargetStreamId,
    string TargetChannel,
    string TargetTitle,
    int Viewers,
    DateTimeOffset LaunchedAt,
    IReadOnlyList<string> PeerIds,
    bool PlacesHold = false);

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

/// <summary>
/// Viewers have places in the target of a raid that still counts down. Published by Raids; edges have them join it unseen. Who is named again
/// keeps the first place.
/// </summary>
/// <param name="MovesAt">When they will be sent on.</param>
/// <param name="PeerIds">In the stream that they leave; their ids in the target derive from these (<see cref="RaidPlace"/>).</param>
public sealed record RaidPrepared(
    string RaidId,
    string FromStreamId,
    string TargetStreamId,
    string TargetChannel,
    string TargetTitle,
    int Viewers,
    DateTimeOffset MovesAt,
    IReadOnlyList<string> PeerIds);

/// <summary>A viewer stays behind. Published by edges, once or more.</summary>
public sealed record RaidDeclined(string RaidId, string FromStreamId, string PeerId);
