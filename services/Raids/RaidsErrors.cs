using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Raids;

/// <summary>The failures of Raids beyond <see cref="CommonErrors"/>.</summary>
public static class RaidsErrors
{
    public static readonly Fault UnknownRaidTarget = new("unknown_raid_target", StatusCode.NotFound, "The raid target is not a live stream. Name another one, or none to have one drawn.");
    public static readonly Fault RaidToItself = new("raid_to_itself", StatusCode.InvalidArgument, "A stream cannot raid its own channel.");
    public static readonly Fault RaidNotAccepted = new("raid_not_accepted", StatusCode.FailedPrecondition, "The target does not accept this channel's raids.");
    public static readonly Fault RaidAudienceOutOfRange = new("raid_audience_out_of_range", StatusCode.FailedPrecondition, "The audience is smaller or larger than the target wants.");
    public static readonly Fault RaidTargetLeaving = new("raid_target_leaving", StatusCode.FailedPrecondition, "The target has a raid of its own under way and will end. Name another one.");
    public static readonly Fault RaidCoolDown = new("raid_cool_down", StatusCode.FailedPrecondition, "This channel raided the target a short time ago. Name another one, or wait.", Retryable: true);
    public static readonly Fault RaidLimitReached = new("raid_limit_reached", StatusCode.ResourceExhausted, "This channel has started too many raids in a short time. Wait.", Retryable: true);
    public static readonly Fault RaidAlreadyRunning = new("raid_already_running", StatusCode.FailedPrecondition, "The stream has a raid under way. Cancel it first.");
    public static readonly Fault RaidAlreadyMoving = new("raid_already_moving", StatusCode.FailedPrecondition, "The audience is on its way or has arrived; the raid cannot be cancelled any more.");
    public static readonly Fault NoRaidTarget = new("no_raid_target", StatusCode.FailedPrecondition, "No other live stream accepts this raid.", Retryable: true);
    public static readonly Fault UnknownRaid = new("unknown_raid", StatusCode.NotFound, "There is no raid of this id.");
    public static readonly Fault InvalidCountdown = new("invalid_countdown", StatusCode.InvalidArgument, "The countdown is out of range: 0 to 300 seconds.");
    public static readonly Fault UnknownChannel = new("unknown_channel", StatusCode.NotFound, "There is no channel of this name that was live or has settings.");
    public static readonly Fault NotYourChannel = new("not_your_channel", StatusCode.PermissionDenied, "Only the owner of the channel may do this.");
    public static readonly Fault InvalidChannelSettings = new("invalid_channel_settings", StatusCode.InvalidArgument, "A setting is out of range.");
    public static readonly Fault AutoHostLoop = new("auto_host_loop", StatusCode.InvalidArgument, "A channel of the list hosts this one in turn, itself or through others.");
    public static readonly Fault NotInSquad = new("not_in_squad", StatusCode.PermissionDenied, "Only members of the stream's squad may take it over.");
    public static readonly Fault InvalidSearch = new("invalid_search", StatusCode.InvalidArgument, "A search text has at most 100 characters, a tag 32, a language 35, an account 128.");
    public static readonly Fault TooManyWatchers = new("too_many_directory_watchers", StatusCode.ResourceExhausted, "This server sends live updates to as many callers as it may. Try again.", Retryable: true);
    public static readonly Fault WatcherTooSlow = new("watcher_too_slow", StatusCode.ResourceExhausted, "The caller read its live updates too slowly and was left behind. Begin again.", Retryable: true);
}
