using System.Globalization;
using Beacon.Signaling.Sessions;

namespace Beacon.Signaling.Calls;

/// <summary>
/// What a client is told of its rates, as draft-ietf-httpapi-ratelimit-headers has it: <c>RateLimit-Policy</c> what it may (<c>q</c> in <c>w</c>
/// seconds), <c>RateLimit</c> what is left of that (<c>r</c>, whole again in <c>t</c> seconds); and <c>Retry-After</c> with a refusal.
/// </summary>
internal static class RateHeaders
{
    public const string Limit = "RateLimit";
    public const string Policies = "RateLimit-Policy";

    public static void Append(HttpResponse response, string policy, RateReading reading)
    {
        response.Headers.Append(Policies, string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";q={reading.Burst};w={Whole(reading.WindowSeconds)}"));
        response.Headers.Append(Limit, string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";r={reading.Remaining};t={Whole(reading.SecondsUntilFull)}"));
        if (!reading.IsTaken)
            response.Headers.RetryAfter = Whole(reading.SecondsUntilNext).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Rounded up: who comes back then is not too early.</summary>
    private static long Whole(double seconds) => (long)Math.Ceiling(seconds);
}
