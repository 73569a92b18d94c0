namespace Beacon.Signaling.Sessions;

/// <summary>The place that a raid has for a viewer in its target.</summary>
/// <param name="PeerId">The viewer's id there.</param>
internal sealed record PlaceInTarget(string RaidId, string FromStreamId, string TargetStreamId, string TargetChannel, string TargetTitle, string PeerId);

/// <summary>The places of one session: at most one for each stream that it may leave by a raid. They outlast that stream, because its end comes before the join.</summary>
internal sealed class RaidPlaces
{
    private readonly Lock _gate = new();
    private readonly List<PlaceInTarget> _places = [];

    public PlaceInTarget? Of(string raidId) => Find(place => place.RaidId == raidId);

    public PlaceInTarget? From(string streamId) => Find(place => place.FromStreamId == streamId);

    public PlaceInTarget? In(string targetStreamId) => Find(place => place.TargetStreamId == targetStreamId);

    /// <summary>In place of that of an earlier raid of the same stream.</summary>
    public void Put(PlaceInTarget place)
    {
        lock (_gate)
        {
            _places.RemoveAll(former => former.FromStreamId == place.FromStreamId);
            _places.Add(place);
        }
    }

    public bool Remove(PlaceInTarget place)
    {
        lock (_gate)
            return _places.Remove(place);
    }

    /// <summary>The target is over.</summary>
    public void Forget(string targetStreamId)
    {
        lock (_gate)
            _places.RemoveAll(place => place.TargetStreamId == targetStreamId);
    }

    private PlaceInTarget? Find(Predicate<PlaceInTarget> fits)
    {
        lock (_gate)
            return _places.Find(fits);
    }
}
