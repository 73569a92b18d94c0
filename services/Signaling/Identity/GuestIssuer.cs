using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using StackExchange.Redis;

namespace Beacon.Signaling.Identity;

/// <summary>What the guest issuer hands out.</summary>
internal sealed record IssuedTokens(string AccountId, string Channel, string AccessToken, string RefreshToken, DateTimeOffset ExpiresAt);

/// <summary>
/// The built-in issuer of guest accounts. A refresh token is a signed one as well, with an id that is noted in Redis once it
/// is used: it works once, and it outlives the loss of an embedded store. One that comes a second time was stolen, or its owner's was: nobody knows
/// who came first, so all tokens of that sign-in are taken back.
/// </summary>
internal sealed class GuestIssuer(
    IssuerKey key,
    IConnectionMultiplexer redis,
    Revocations revocations,
    IOptions<SignalingOptions> options,
    IOptions<AuthOptions> auth,
    TimeProvider clock,
    ILogger<GuestIssuer> log)
{
    private const string RefreshAudience = "beacon-refresh";
    private readonly JsonWebTokenHandler _handler = new();

    public IssuedTokens Create(string name, bool isOperator)
    {
        var account = $"guest-{Guid.CreateVersion7(clock.GetUtcNow()):N}";
        var scope = $"{Scopes.Viewer} {Scopes.Broadcaster} {Scopes.Sponsor}{(isOperator ? $" {Scopes.Operator}" : "")}";
        return Issue(new Caller(account, name, ChannelOf(name, account), [scope]), NewId());
    }

    /// <summary>A fresh pair for a refresh token that was not used before; null when it is not good.</summary>
    public async Task<IssuedTokens?> RefreshAsync(string refreshToken)
    {
        var result = await _handler.ValidateTokenAsync(refreshToken, Validation(RefreshAudience));
        if (!result.IsValid || result.SecurityToken is not JsonWebToken token)
            return null;
        var caller = Caller.Of(new ClaimsPrincipal(result.ClaimsIdentity));
        var signIn = token.GetPayloadValue<string>(JwtRegisteredClaimNames.Sid);
        if (revocations.Covers(caller.AccountId, token.Id, signIn, new DateTimeOffset(token.IssuedAt, TimeSpan.Zero)))
            return null;
        if (await redis.GetDatabase().StringSetAsync($"beacon:refresh-used:{token.Id}", "1", TimeSpan.FromDays(options.Value.RefreshTokenDays), When.NotExists))
            return Issue(caller, signIn);
        Log.RefreshTokenReused(log, caller.AccountId);
        await revocations.RevokeAsync(RevocationKind.SignIn, signIn);
        return null;
    }

    private IssuedTokens Issue(Caller caller, string signIn)
    {
        var expires = clock.GetUtcNow() + TimeSpan.FromMinutes(options.Value.AccessTokenMinutes);
        var refreshUntil = clock.GetUtcNow() + TimeSpan.FromDays(options.Value.RefreshTokenDays);
        return new IssuedTokens(caller.AccountId, caller.Channel, Sign(caller, signIn, auth.Value.Audience, expires), Sign(caller, signIn, RefreshAudience, refreshUntil), expires);
    }

    private string Sign(Caller caller, string signIn, string audience, DateTimeOffset expires) => _handler.CreateToken(new SecurityTokenDescriptor
    {
        Issuer = IssuerKey.Issuer,
        Audience = audience,
        IssuedAt = clock.GetUtcNow().UtcDateTime,
        NotBefore = clock.GetUtcNow().UtcDateTime,
        Expires = expires.UtcDateTime,
        SigningCredentials = key.Credentials,
        Subject = new ClaimsIdentity(
        [
            new Claim("sub", caller.AccountId),
            new Claim("name", caller.Name),
            new Claim(auth.Value.ChannelClaim, caller.Channel),
            new Claim("scope", string.Join(' ', caller.Scopes)),
            new Claim(JwtRegisteredClaimNames.Jti, NewId()),
            new Claim(JwtRegisteredClaimNames.Sid, signIn),
        ]),
    });

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private TokenValidationParameters Validation(string audience) => new()
    {
        ValidIssuer = IssuerKey.Issuer,
        ValidAudience = audience,
        IssuerSigningKey = key.SecurityKey,
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        ClockSkew = TimeSpan.FromSeconds(auth.Value.ClockSkewSeconds),
        LifetimeValidator = AccessTokens.LifetimeBy(clock),
    };

    /// <summary>A handle that can be read and stands in a URL; the account's digits make it unique.</summary>
    private static string ChannelOf(string name, string account)
    {
        var slug = new StringBuilder();
        foreach (var letter in name.Normalize(NormalizationForm.FormD).ToLower(CultureInfo.InvariantCulture))
        {
            if (char.IsAsciiLetterOrDigit(letter))
                slug.Append(letter);
            else if (slug.Length > 0 && slug[^1] != '-' && CharUnicodeInfo.GetUnicodeCategory(letter) != UnicodeCategory.NonSpacingMark)
                slug.Append('-');
        }

        return $"{slug.ToString().Trim('-')}-{account[^8..]}".TrimStart('-');
    }
}
