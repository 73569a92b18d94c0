using Grpc.Core;

namespace Beacon.ServiceDefaults;

/// <summary>Failures that every service shares.</summary>
public static class CommonErrors
{
    public static readonly Fault MissingToken = new("missing_token", StatusCode.Unauthenticated, "This call needs an access token: Authorization: Bearer …");
    public static readonly Fault InvalidToken = new("invalid_token", StatusCode.Unauthenticated, "The access token is expired, forged or from another issuer.");
    public static readonly Fault MissingScope = new("missing_scope", StatusCode.PermissionDenied, "The access token lacks the scope that this call needs.");
    public static readonly Fault UnknownStream = new("unknown_stream", StatusCode.NotFound, "There is no live stream of this id.");
    public static readonly Fault NotYourStream = new("not_your_stream", StatusCode.PermissionDenied, "Only the broadcaster of the stream may do this.");
    public static readonly Fault InvalidPageToken = new("invalid_page_token", StatusCode.InvalidArgument, "The page token does not come from a former page of the same list.");
    public static readonly Fault InvalidPageSize = new("invalid_page_size", StatusCode.InvalidArgument, "The page size is out of range.");
    public static readonly Fault MalformedRequest = new("malformed_request", StatusCode.InvalidArgument, "The body is no JSON of this request, or a parameter has another type.");
    public static readonly Fault UnknownOperation = new("unknown_operation", StatusCode.Unimplemented, "There is no operation of this path and method. /openapi/v1.json lists them all.");
    public static readonly Fault InternalError = new("internal_error", StatusCode.Internal, "The server failed. Its log says why.");
    public static readonly Fault ServiceUnavailable = new("service_unavailable", StatusCode.Unavailable, "A service behind this one cannot be reached. Try again.", Retryable: true);
}
