using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Beacon.ServiceDefaults;

/// <summary>
/// One documented way in which a call can fail. A service lists all of its own in its <c>…Errors.cs</c>; gRPC, REST and the
/// WebSocket's <c>error</c> frame carry the same reason. docs/errors.md is checked against these lists.
/// </summary>
/// <param name="Reason">For machines, <c>snake_case</c>, never changed once released.</param>
/// <param name="Status">The gRPC status; REST derives its HTTP status from it.</param>
/// <param name="Text">For people. Says what is wrong and what to do.</param>
/// <param name="Retryable">True when the same call may succeed later.</param>
public sealed record Fault(string Reason, StatusCode Status, string Text, bool Retryable = false)
{
    /// <summary>The <c>domain</c> of the ErrorInfo detail.</summary>
    public const string Domain = "beacon";

    /// <summary>The exception that a gRPC method throws; <paramref name="detail"/> replaces the general text.</summary>
    public RpcException Exception(string? detail = null) => ToStatus(detail).ToRpcException();

    /// <summary>The rich error (AIP-193): code, message and an ErrorInfo with the reason.</summary>
    public Google.Rpc.Status ToStatus(string? detail = null) => new()
    {
        Code = (int)Status,
        Message = detail ?? Text,
        Details =
        {
            Any.Pack(new ErrorInfo
            {
                Reason = Reason,
                Domain = Domain,
                Metadata = { ["retryable"] = Retryable ? "true" : "false" },
            }),
        },
    };

    /// <summary>The reason that a failed call carries, or null when the other side gave none (a transport failure).</summary>
    public static string? ReasonOf(RpcException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
    }
}
