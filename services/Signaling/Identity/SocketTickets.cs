using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using StackExchange.Redis;

namespace Beacon.Signaling.Identity;

/// <summary>
/// Opens one WebSocket for a client that cannot put its token into the subprotocol. It stands in the URL, so it is good once, for seconds, and the
/// store holds only its digest.
/// </summary>
internal sealed class SocketTickets(IConnectionMultiplexer redis, IOptions<SignalingOptions> options, TimeProvider clock)
{
    private const int TicketBytes = 24;

    public async Task<(string Ticket, DateTimeOffset ExpiresAt)> IssueAsync(string accessToken)
    {
        var ticket = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(TicketBytes));
        var lifetime = TimeSpan.FromSeconds(options.Value.SocketTicketSeconds);
        await redis.GetDatabase().StringSetAsync(KeyOf(ticket), accessToken, lifetime);
        return (ticket, clock.GetUtcNow() + lifetime);
    }

    /// <summary>The access token behind a ticket, which is used up by it; null for one that is not good any more.</summary>
    public async Task<string?> RedeemAsync(string ticket) =>
        ticket.Length == TicketBytes / 3 * 4 ? (string?)await redis.GetDatabase().StringGetDeleteAsync(KeyOf(ticket)) : null;

    private static string KeyOf(string ticket) => $"beacon:socket-ticket:{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(ticket)))}";
}
