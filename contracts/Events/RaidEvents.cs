namespace Beacon.Contracts.Events;

/// <summary>The viewers of one stream are sent to another. Published by Raids before the stream ends; edges tell their peers.</summary>
public sealed record RaidLaunched(
    string RaidId,
    string FromStreamId,
    string TargetStreamId,
    string TargetChannel,
    string TargetTitle,
    int Viewers,
    DateTimeOffset LaunchedAt);
