using System.Security.Claims;
using System.Text;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Sessions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Identity;

/// <summary>Access tokens on their way into a session: in the handshake, and in a <c>refresh</c> frame.</summary>
internal sealed class AccessTokens(IOptionsMonitor<JwtBearerOptions> jwt, IOptions<AuthOptions> auth, Revocations revocations)
{
    private const string TokenProtocol = "bearer.";

    /// <summary>The access token of a handshake: it travels as a subprotocol, because a URL ends up in logs.</summary>
    public static string? TokenOf(HttpRequest request) =>
        request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol")
            .FirstOrDefault(protocol => protocol.StartsWith(TokenProtocol, StringComparison.Ordinal))?[TokenProtocol.Length..];

    /// <summary>What a session keeps of a request that authentication has passed.</summary>
    public static Credentials Read(AuthenticateResult user) =>
        Read(user.Principal!, user.Properties?.GetTokenValue("access_token") ?? "", user.Properties?.ExpiresUtc ?? DateTimeOffset.MaxValue);

    /// <summary>Validates a token as the handshake would; null when it is no good.</summary>
    public async Task<Credentials?> ValidateAsync(string token)
    {
        var bearer = jwt.Get(JwtBearerDefaults.AuthenticationScheme);
        var parameters = bearer.TokenValidationParameters.Clone();
        parameters.ConfigurationManager = bearer.ConfigurationManager as BaseConfigurationManager;
        var result = await bearer.TokenHandlers[0].ValidateTokenAsync(token, parameters);
        if (!result.IsValid || result.ClaimsIdentity.FindFirst("sub") is null)
            return null;
        if (result.ClaimsIdentity.FindFirst(auth.Value.ChannelClaim) is { } channel && channel.Type != Authentication.ChannelClaimType)
            result.ClaimsIdentity.AddClaim(new Claim(Authentication.ChannelClaimType, channel.Value));
        var credentials = Read(new ClaimsPrincipal(result.ClaimsIdentity), token, new DateTimeOffset(result.SecurityToken.ValidTo, TimeSpan.Zero));
        return revocations.Covers(credentials.Caller.AccountId, credentials.TokenId, credentials.SignInId, credentials.IssuedAt) ? null : credentials;
    }

    /// <summary>When the token was issued; without <c>iat</c> long ago, so that a revocation of its account covers it.</summary>
    public static DateTimeOffset IssuedAt(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirst("iat")?.Value, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : DateTimeOffset.UnixEpoch;

    /// <summary>Validation by the injected clock; the library's own check knows only the machine's.</summary>
    public static LifetimeValidator LifetimeBy(TimeProvider clock) => (notBefore, expires, _, parameters) =>
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + parameters.ClockSkew && (notBefore is not { } begin || now >= begin - parameters.ClockSkew);
    };

    private static Credentials Read(ClaimsPrincipal user, string token, DateTimeOffset expires) => new(
        Caller.Of(user),
        Encoding.ASCII.GetBytes(token),
        expires,
        IssuedAt(user),
        user.FindFirst(JwtRegisteredClaimNames.Jti)?.Value ?? "",
        user.FindFirst(JwtRegisteredClaimNames.Sid)?.Value ?? "");
}
