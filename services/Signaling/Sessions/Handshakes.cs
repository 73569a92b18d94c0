using Beacon.ServiceDefaults;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>Which handshakes go on: no more than an address may make, from no other page than this installation's.</summary>
internal sealed class Handshakes(IOptions<SignalingOptions> options, TimeProvider clock)
{
    private const string AnyOrigin = "*";

    public AddressRates Rates { get; } = new(
        options.Value.HandshakesPerSecondPerAddress, options.Value.HandshakeBurstPerAddress, options.Value.MaxTrackedAddresses, clock);

    /// <summary>The HTTP status and the fault of a handshake that is refused before the upgrade; null for one that goes on.</summary>
    public (int Status, Fault Fault)? Refusal(HttpContext context)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
            || !request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase)
            || request.Headers.SecWebSocketVersion.ToString() != "13"
            || !IsKey(request.Headers.SecWebSocketKey.ToString()))
            return (StatusCodes.Status400BadRequest, SignalingErrors.WebSocketRequired);
        if (!IsOurPage(request))
            return (StatusCodes.Status403Forbidden, SignalingErrors.OriginNotAllowed);
        return Rates.TryTake(context.Connection.RemoteIpAddress) ? null : (StatusCodes.Status429TooManyRequests, SignalingErrors.TooManyHandshakes);
    }

    /// <summary>A page of this very host, or of an origin in the list. Who sends no origin is no browser, and nobody else's page.</summary>
    private bool IsOurPage(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
            return true;
        return options.Value.AllowedOrigins.Any(allowed => allowed == AnyOrigin || allowed.TrimEnd('/').Equals(origin, StringComparison.OrdinalIgnoreCase))
            || (Uri.TryCreate(origin, UriKind.Absolute, out var page) && request.Host.HasValue
                && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>RFC 6455: 16 bytes in base64.</summary>
    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[18];
        return key.Length == 24 && Convert.TryFromBase64String(key, bytes, out var length) && length == 16;
    }
}
