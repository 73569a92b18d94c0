using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Topology;

/// <summary>Every way in which a call to Topology can fail by itself. <c>unknown_stream</c> and what concerns tokens and pages are common.</summary>
public static class TopologyErrors
{
    public static readonly Fault UnknownPeer = new("unknown_peer", StatusCode.NotFound, "The stream has no peer of this id.");
    public static readonly Fault StreamFull = new("stream_full", StatusCode.ResourceExhausted, "The stream takes no more peers now.", Retryable: true);
    public static readonly Fault TooManyStreams = new("too_many_streams", StatusCode.ResourceExhausted, "No more streams can be live now.", Retryable: true);
    public static readonly Fault ChannelAlreadyLive = new("channel_already_live", StatusCode.AlreadyExists, "The channel is live with another stream.");
    public static readonly Fault StreamNotYours = new("stream_not_yours", StatusCode.PermissionDenied, "The stream was started by another account.");
    public static readonly Fault OwnerChanged = new("stream_owner_changed", StatusCode.Unavailable, "The stream is moving to another replica. Try again.", Retryable: true);
    public static readonly Fault TooManyWatchers = new("too_many_watchers", StatusCode.ResourceExhausted, "This replica serves no more watchers of trees now.", Retryable: true);
    public static readonly Fault JournalAway = new("journal_away", StatusCode.Unavailable, "The stream's record cannot be written, so newcomers are not admitted now. Try again.", Retryable: true);
    public static readonly Fault InvalidHeir = new("invalid_heir", StatusCode.PermissionDenied, "The peer that is to take over belongs to another account.");
    public static readonly Fault TooManyCommands = new("too_many_commands", StatusCode.ResourceExhausted, "Too many joins and leaves of the stream wait already. Try again.", Retryable: true);
    public static readonly Fault InvalidStreamId = new("invalid_stream_id", StatusCode.InvalidArgument, "A stream id is a UUID in lower case with hyphens.");
    public static readonly Fault InvalidPeer = new("invalid_peer", StatusCode.InvalidArgument, "A peer has an id, an account and an edge of 1 to 128 printable ASCII characters each, and an address block and a region of at most 64.");
    public static readonly Fault InvalidChannel = new("invalid_channel", StatusCode.InvalidArgument, "A channel has 1 to 128 characters.");
    public static readonly Fault InvalidTitle = new("invalid_title", StatusCode.InvalidArgument, "A title has 1 to 120 characters.");
    public static readonly Fault InvalidBitrate = new("invalid_bitrate", StatusCode.InvalidArgument, "The bitrate is 32 to 50,000 kbit/s.");
    public static readonly Fault InvalidUplink = new("invalid_uplink", StatusCode.InvalidArgument, "The uplink is 0 to 10,000 Mbit/s.");
    public static readonly Fault InvalidMaxChildren = new("invalid_max_children", StatusCode.InvalidArgument, "The most children of a broadcaster are 1 to 4, or 0 for as many as its uplink allows.");
    public static readonly Fault InvalidStripe = new("invalid_stripe", StatusCode.InvalidArgument, "The stream has no stripe of this number.");
    public static readonly Fault InvalidBatch = new("invalid_batch", StatusCode.InvalidArgument, "One call carries at most 1,024 reports, 1,024 digests or 1,024 peers, and an audience at least one.");
    public static readonly Fault InvalidRaidId = new("invalid_raid_id", StatusCode.InvalidArgument, "A raid id is a UUID with hyphens.");
    public static readonly Fault InvalidReason = new("invalid_reason", StatusCode.InvalidArgument, "A stream ends as `ended` or as `broadcaster_lost`.");
}
