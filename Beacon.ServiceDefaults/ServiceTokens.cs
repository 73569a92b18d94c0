using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.ServiceDefaults;

/// <summary>Makes the token with which this process calls the other services: HS256 with the shared service key, five minutes, made anew at half.</summary>
public sealed class ServiceTokens(SymmetricSecurityKey key, TimeProvider clock)
{
    public const string Issuer = "beacon-service";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private readonly JsonWebTokenHandler _handler = new();
    private volatile Issued? _issued;

    public string Current()
    {
        var now = clock.GetUtcNow();
        if (_issued is { } issued && now < issued.RenewAt)
            return issued.Token;
        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Issuer,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = (now + Lifetime).UtcDateTime,
            Subject = new ClaimsIdentity([new Claim("scope", Scopes.Service)]),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.HmacSha256),
        });
        // Two threads may both make one; either is good.
        _issued = new Issued(token, now + (Lifetime / 2));
        return token;
    }

    /// <summary>True when a token says that it is a service's; whether it is, only its signature tells.</summary>
    internal static bool IsOne(string token)
    {
        try
        {
            return new JsonWebToken(token).Issuer == Issuer;
        }
        catch (ArgumentException)
        {
            return false; // No token at all.
        }
    }

    private sealed record Issued(string Token, DateTimeOffset RenewAt);
}
