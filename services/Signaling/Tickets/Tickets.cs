using System.Security.Claims;
using Beacon.Signaling.Identity;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Tickets;

/// <summary>What a resume ticket names.</summary>
internal sealed record ResumeTicket(string AccountId, string StreamId, string PeerId, bool IsRoot);

/// <summary>
/// The two signed papers of a peer: the edge ticket that lets a child connect to a parent, and the resume ticket with which
/// it takes its peer id up again. Compact JWS, ES256; docs/protocol.md has the claims.
/// </summary>
internal sealed class Tickets(IssuerKey key, IOptions<SignalingOptions> options, TimeProvider clock)
{
    private const string ResumeAudience = "beacon-resume";
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Permission for the child to connect to the parent, which the parent verifies with <c>welcome.ticket_key_jwk</c>.</summary>
    public string Edge(string streamId, int stripe, string parentPeerId, string childPeerId) => _handler.CreateToken(new SecurityTokenDescriptor
    {
        Expires = clock.GetUtcNow().AddSeconds(options.Value.EdgeTicketSeconds).UtcDateTime,
        SigningCredentials = key.Credentials,
        Claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["typ"] = "beacon-edge",
            ["stream"] = streamId,
            ["stripe"] = stripe,
            ["parent"] = parentPeerId,
            ["child"] = childPeerId,
        },
    });

    /// <summary>
    /// The server's word that a key signs a stream's frames. It travels down the tree beside the chunks, so no other service needs to know of
    /// it. It does not expire: it names one stream, and ends with it.
    /// </summary>
    public string StreamKey(string streamId, SigningKey signingKey) => _handler.CreateToken(new SecurityTokenDescriptor
    {
        SigningCredentials = key.Credentials,
        Claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["typ"] = "beacon-stream-key",
            ["stream"] = streamId,
            ["key"] = signingKey.Members,
        },
    });

    public string Resume(ResumeTicket ticket) => _handler.CreateToken(new SecurityTokenDescriptor
    {
        Issuer = IssuerKey.Issuer,
        Audience = ResumeAudience,
        Expires = clock.GetUtcNow().AddMinutes(options.Value.ResumeTicketMinutes).UtcDateTime,
        SigningCredentials = key.Credentials,
        Subject = new ClaimsIdentity(
        [
            new Claim("sub", ticket.AccountId),
            new Claim("stream", ticket.StreamId),
            new Claim("peer", ticket.PeerId),
            new Claim("role", ticket.IsRoot ? "root" : "viewer"),
        ]),
    });

    /// <summary>The ticket, or null when it is not one of ours or has expired.</summary>
    public async Task<ResumeTicket?> ReadResumeAsync(string text)
    {
        var result = await _handler.ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidIssuer = IssuerKey.Issuer,
            ValidAudience = ResumeAudience,
            IssuerSigningKey = key.SecurityKey,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        });
        return result.IsValid && result.SecurityToken is JsonWebToken token
            ? new ResumeTicket(token.Subject, Claim("stream"), Claim("peer"), Claim("role") == "root")
            : null;

        string Claim(string name) => result.ClaimsIdentity.FindFirst(name)?.Value ?? "";
    }
}
