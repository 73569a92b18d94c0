using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Signaling.Identity;

/// <summary>The time-limited credentials of the TURN REST API, as coturn checks them with <c>use-auth-secret</c>.</summary>
internal sealed record TurnCredentials(string Username, string Credential)
{
    public static TurnCredentials For(string accountId, DateTimeOffset until, string secret)
    {
        // The colon is the separator: whatever follows it only tells users apart in coturn's log.
        var username = string.Create(CultureInfo.InvariantCulture, $"{until.ToUnixTimeSeconds()}:{accountId}");
#pragma warning disable CA5350 // the TURN REST API is defined with HMAC-SHA-1
        return new TurnCredentials(username, Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(username))));
#pragma warning restore CA5350
    }
}
