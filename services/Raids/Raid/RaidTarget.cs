namespace Beacon.Raids.Raid;

/// <summary>A live stream as a possible target.</summary>
/// <param name="Viewers">Peers without the root.</param>
/// <param name="SpareSlots">Slots that no child holds, as last heard.</param>
public sealed record RaidTarget(string StreamId, string Channel, string Title, int Viewers, int SpareSlots)
{
    /// <summary>Sum of video and audio; 0 when not known. How many slots a newcomer brings depends on it.</summary>
    public int BitrateKbps { get; init; }
}
