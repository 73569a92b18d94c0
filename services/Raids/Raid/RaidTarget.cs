namespace Beacon.Raids.Raid;

/// <summary>A live stream as a possible target.</summary>
/// <param name="Viewers">Peers without the root.</param>
/// <param name="SpareSlots">Slots that no child and no standby holds, as last heard.</param>
public sealed record RaidTarget(string StreamId, string Channel, string Title, int Viewers, int SpareSlots);
