using Beacon.ServiceDefaults;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Calls;

/// <summary>
/// How many calls of REST and gRPC-Web a caller may make: an account by its token, wherever it is; who has none, by address. gRPC has a port of
/// its own, which is for services and not for the public.
/// </summary>
internal sealed class CallRates(IOptions<SignalingOptions> options, IOptions<EndpointsOptions> endpoints, TimeProvider clock)
{
    private const string Policy = "calls";
    private readonly int _publicPort = endpoints.Value.HttpPort;

    private readonly KeyedRates<string> _accounts = new(
        options.Value.CallsPerSecondPerAccount, options.Value.CallBurstPerAccount, options.Value.MaxTrackedAddresses, clock);

    private readonly AddressRates _addresses = new(
        options.Value.CallsPerSecondPerAddress, options.Value.CallBurstPerAddress, options.Value.MaxTrackedAddresses, clock);

    /// <summary>A middleware: after authentication, before whatever costs something.</summary>
    public Task LimitAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Connection.LocalPort != _publicPort || !IsCall(context.Request))
            return next(context);
        var reading = context.User.FindFirst("sub")?.Value is { } account ? _accounts.Take(account) : _addresses.Take(context.Connection.RemoteIpAddress);
        RateHeaders.Append(context.Response, Policy, reading);
        return reading.IsTaken ? next(context) : ErrorJson.RefuseAsync(context, StatusCodes.Status429TooManyRequests, SignalingErrors.TooManyCalls);
    }

    public void Sweep()
    {
        _accounts.Sweep();
        _addresses.Sweep();
    }

    private static bool IsCall(HttpRequest request) => request.Path.StartsWithSegments("/api", StringComparison.Ordinal) || ErrorJson.IsGrpc(request);
}
