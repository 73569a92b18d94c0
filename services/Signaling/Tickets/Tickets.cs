using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Beacon.Signaling.Identity;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Tickets;

/// <summary>What a resume ticket names.</summary>
internal sealed record ResumeTicket(string AccountId, string StreamId, string PeerId, bool IsRoot);

/// <summary>
/// The two signed papers of a peer: the edge ticket that lets a child connect to a parent, and the resume ticket with which
/// it takes its peer id up again. docs/protocol.md has the claims.
/// </summary>
internal sealed class Tickets(IssuerKey key, IOptions<SignalingOptions> options, TimeProvider clock)
{
    private const int MacBytes = 32;
    private const int MaxPayloadBytes = 512;
    private static readonly string MacHeader = Base64Url.EncodeToString("""{"alg":"HS256"}"""u8);

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly byte[] _edgeSecret = key.Derive("beacon-edge");
    private readonly byte[] _resumeSecret = key.Derive("beacon-resume");

    /// <summary>The key of the edge tickets to one parent that takes HS256: its own, so that what it could sign opens nobody else's door.</summary>
    public byte[] KeyOf(string streamId, string parentPeerId) => HMACSHA256.HashData(_edgeSecret, Encoding.UTF8.GetBytes($"{streamId} {parentPeerId}"));

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

    /// <summary>Permission for the child to connect to the parent.</summary>
    /// <param name="parentKey">The parent's own key, when it takes HS256; else the ticket is signed with the key of <c>welcome.ticket_key_jwk</c>.</param>
    public string Edge(string streamId, int stripe, string parentPeerId, string childPeerId, byte[]? parentKey)
    {
        var expires = clock.GetUtcNow().AddSeconds(options.Value.EdgeTicketSeconds);
        return parentKey is null
            ? _handler.CreateToken(new SecurityTokenDescriptor
            {
                Expires = expires.UtcDateTime,
                SigningCredentials = key.Credentials,
                Claims = new Dictionary<string, object>(StringComparer.Ordinal)
                {
                    ["typ"] = "beacon-edge",
                    ["stream"] = streamId,
                    ["stripe"] = stripe,
                    ["parent"] = parentPeerId,
                    ["child"] = childPeerId,
                },
            })
            : Mac(streamId, stripe, parentPeerId, childPeerId, expires.ToUnixTimeSeconds(), parentKey);
    }

    /// <summary>A resume ticket: opaque to the client, so a keyed digest does, at a twentieth of the price of a signature.</summary>
    public string Resume(ResumeTicket ticket)
    {
        var until = clock.GetUtcNow().AddMinutes(options.Value.ResumeTicketMinutes).ToUnixTimeSeconds();
        var text = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{until} {(ticket.IsRoot ? "root" : "viewer")} {ticket.StreamId} {ticket.PeerId} {ticket.AccountId}"));
        Span<byte> mac = stackalloc byte[MacBytes];
        HMACSHA256.HashData(_resumeSecret, text, mac);
        return $"{Base64Url.EncodeToString(text)}.{Base64Url.EncodeToString(mac)}";
    }

    /// <summary>The ticket, or null when it is not one of ours or has expired.</summary>
    public ResumeTicket? ReadResume(string ticket)
    {
        var dot = ticket.IndexOf('.', StringComparison.Ordinal);
        if (dot is < 1 or > 1_024 || ticket.Length != dot + 1 + Base64Url.GetEncodedLength(MacBytes)
            || !Base64Url.IsValid(ticket.AsSpan(0, dot)) || !Base64Url.IsValid(ticket.AsSpan(dot + 1)))
            return null;
        var text = Base64Url.DecodeFromChars(ticket.AsSpan(0, dot));
        if (!CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(_resumeSecret, text), Base64Url.DecodeFromChars(ticket.AsSpan(dot + 1))))
            return null;
        // Ours from here on: the account is last, because an authority may put anything into it.
        var parts = Encoding.UTF8.GetString(text).Split(' ', 5);
        return clock.GetUtcNow().ToUnixTimeSeconds() < long.Parse(parts[0], CultureInfo.InvariantCulture)
            ? new ResumeTicket(parts[4], parts[2], parts[3], parts[1] == "root")
            : null;
    }

    private static string Mac(string streamId, int stripe, string parentPeerId, string childPeerId, long expires, byte[] parentKey)
    {
        Span<byte> payload = stackalloc byte[MaxPayloadBytes];
        // All of these are ids that this server made; none needs escaping.
        if (!Utf8.TryWrite(
                payload,
                CultureInfo.InvariantCulture,
                $$"""{"typ":"beacon-edge","stream":"{{streamId}}","stripe":{{stripe}},"parent":"{{parentPeerId}}","child":"{{childPeerId}}","exp":{{expires}}}""",
                out var length))
            throw new ArgumentException("The ids are longer than any that this server makes.", nameof(streamId));
        Span<char> text = stackalloc char[MacHeader.Length + Base64Url.GetEncodedLength(MaxPayloadBytes) + Base64Url.GetEncodedLength(MacBytes) + 2];
        MacHeader.CopyTo(text);
        text[MacHeader.Length] = '.';
        var end = MacHeader.Length + 1;
        end += Base64Url.EncodeToChars(payload[..length], text[end..]);
        Span<byte> signed = stackalloc byte[end];
        Encoding.ASCII.GetBytes(text[..end], signed);
        Span<byte> mac = stackalloc byte[MacBytes];
        HMACSHA256.HashData(parentKey, signed, mac);
        text[end++] = '.';
        end += Base64Url.EncodeToChars(mac, text[end..]);
        return new string(text[..end]);
    }
}
