using System.Security.Cryptography;
using System.Text;

namespace Beacon.Contracts.Events;

/// <summary>The peer id under which a viewer joins the target of a raid: whoever knows the raid knows it, so nobody has to be told.</summary>
public static class RaidPlace
{
    /// <summary>A UUID of version 8 (RFC 9562): the first 16 bytes of SHA-256 over the three ids with a line feed after each.</summary>
    /// <param name="peerId">In the stream that the raid leaves.</param>
    public static string PeerId(string raidId, string targetStreamId, string peerId)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{raidId}\n{targetStreamId}\n{peerId}\n")).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
