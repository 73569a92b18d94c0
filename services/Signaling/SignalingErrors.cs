using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Signaling;

/// <summary>Every way in which a frame or call to the edge can fail.</summary>
public static class SignalingErrors
{
    public static readonly Fault WebSocketRequired = new("websocket_required", StatusCode.InvalidArgument, "The path /ws takes WebSocket requests only.");
    public static readonly Fault UnsupportedSubprotocol = new("unsupported_subprotocol", StatusCode.InvalidArgument, "Offer the subprotocol beacon.v1.proto or beacon.v1.json.");
    public static readonly Fault MalformedFrame = new("malformed_frame", StatusCode.InvalidArgument, "The message is no frame of the chosen subprotocol.");
    public static readonly Fault UnknownFrame = new("unknown_frame", StatusCode.InvalidArgument, "The server does not know a frame of this name.");
    public static readonly Fault FrameTooLarge = new("frame_too_large", StatusCode.ResourceExhausted, "The frame is over the limit that welcome.max_frame_bytes names.");
    public static readonly Fault InvalidFrame = new("invalid_frame", StatusCode.InvalidArgument, "A field of the frame is out of range.");
    public static readonly Fault RateLimited = new("rate_limited", StatusCode.ResourceExhausted, "Too many frames of this kind. Slow down.", Retryable: true);
    public static readonly Fault TooManyStreams = new("too_many_streams_in_session", StatusCode.FailedPrecondition, "This session is in as many streams as it may. Leave one first.");
    public static readonly Fault AlreadyInStream = new("already_in_stream", StatusCode.AlreadyExists, "This session is in that stream already.");
    public static readonly Fault NotInStream = new("not_in_stream", StatusCode.FailedPrecondition, "This session is not in that stream.");
    public static readonly Fault RaidNotAnnounced = new("raid_not_announced", StatusCode.FailedPrecondition, "No raid of this id is announced to the viewers of that stream.");
    public static readonly Fault NotTheBroadcaster = new("not_the_broadcaster", StatusCode.PermissionDenied, "Only the broadcaster's peer may send this frame.");
    public static readonly Fault NotANeighbour = new("not_a_neighbour", StatusCode.PermissionDenied, "Signals go only to a peer that the tree joins to this one.");
    public static readonly Fault NeighbourGone = new("neighbour_gone", StatusCode.Unavailable, "That peer is not connected any more; a new place follows.", Retryable: true);
    public static readonly Fault InvalidResumeTicket = new("invalid_resume_ticket", StatusCode.PermissionDenied, "The resume ticket is expired, forged, or another account's. Start anew without it.");
    public static readonly Fault ServerFull = new("server_full", StatusCode.ResourceExhausted, "This server has as many sessions as it may. Try again.", Retryable: true);
    public static readonly Fault EdgeDraining = new("edge_draining", StatusCode.Unavailable, "This server is about to stop and takes no sessions. Connect again, to another one.", Retryable: true);
    public static readonly Fault InvalidDrain = new("invalid_drain", StatusCode.InvalidArgument, "A drain takes 0 to 3,600 seconds.");
    public static readonly Fault GuestsDisabled = new("guests_disabled", StatusCode.FailedPrecondition, "This installation has its own authority for accounts; sign in there.");
    public static readonly Fault InvalidName = new("invalid_name", StatusCode.InvalidArgument, "The name must have 1 to 40 characters and no control characters.");
    public static readonly Fault InvalidOperatorKey = new("invalid_operator_key", StatusCode.PermissionDenied, "The operator key is not that of this installation.");
    public static readonly Fault InvalidRefreshToken = new("invalid_refresh_token", StatusCode.Unauthenticated, "The refresh token is expired, forged or already used.");
    public static readonly Fault WrongAccount = new("wrong_account", StatusCode.PermissionDenied, "The fresh token is another account's.");
    public static readonly Fault TokenRevoked = new("token_revoked", StatusCode.Unauthenticated, "The access token was taken back. Sign in again.");
    public static readonly Fault InvalidRevocation = new("invalid_revocation", StatusCode.InvalidArgument, "Name exactly one of account_id, token_id and session_id, of at most 128 characters.");
    public static readonly Fault OriginNotAllowed = new("origin_not_allowed", StatusCode.PermissionDenied, "Pages of this origin may not open a session here.");
    public static readonly Fault TooManyHandshakes = new("too_many_handshakes", StatusCode.ResourceExhausted, "This address opens WebSockets too fast. Slow down.", Retryable: true);
    public static readonly Fault TooManyGuests = new("too_many_guests", StatusCode.ResourceExhausted, "This address makes guest accounts too fast. Slow down.", Retryable: true);
    public static readonly Fault TooManyCalls = new("too_many_calls", StatusCode.ResourceExhausted, "This account or address calls too fast. Wait as long as Retry-After says.", Retryable: true);
    public static readonly Fault NoRelay = new("no_relay", StatusCode.FailedPrecondition, "This installation has no TURN server, so nobody can connect through one only.");
    public static readonly Fault AddressLeak = new("address_leak", StatusCode.InvalidArgument, "A viewer who connects through TURN only may send no other candidates.");
}
