using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Raids;

/// <summary>The failures of Raids beyond <see cref="CommonErrors"/>.</summary>
public static class RaidsErrors
{
    public static readonly Fault UnknownRaidTarget = new("unknown_raid_target", StatusCode.NotFound, "The raid target is not a live stream. Name another one, or none to have one drawn.");
    public static readonly Fault RaidToItself = new("raid_to_itself", StatusCode.InvalidArgument, "A stream cannot raid its own channel.");
}
