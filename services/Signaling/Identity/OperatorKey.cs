using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Identity;

/// <summary>The key that turns a guest into an operator: from the options, or made once and kept in the data directory.</summary>
internal sealed class OperatorKey(string fileKey, IOptions<SignalingOptions> options)
{
    public static byte[] Make() => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    public bool Matches(string offered)
    {
        var key = options.Value.OperatorKey is { Length: > 0 } set ? set : fileKey;
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(offered), Encoding.UTF8.GetBytes(key));
    }
}
