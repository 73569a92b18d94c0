using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Beacon.Raids.Raid;

/// <summary>A stream that took part in a draw, and its relative chance.</summary>
public sealed record WeightedTarget(string StreamId, long Weight);

/// <summary>One draw of a selection: what came out, and whether it was taken or why not.</summary>
/// <param name="Index">Counts the draws of a raid from 0; the bits of the draw derive from the seed and this number.</param>
/// <param name="Verdict"><c>taken</c>, <c>gone</c>, <c>away</c>, <c>full</c> or <c>unwilling</c>.</param>
public sealed record DrawStep(int Index, string StreamId, string Verdict);

/// <summary>
/// A selection as everybody can check it afterwards: who took part with which weight, in order, and what each draw gave. A stream that was
/// drawn and not taken takes no part in the draws after.
/// </summary>
public sealed record TargetDraw(IReadOnlyList<WeightedTarget> Candidates, IReadOnlyList<DrawStep> Steps);

/// <summary>
/// A draw that can be checked: the server commits to a secret seed (by its SHA-256) when the channel goes live or ends its former raid,
/// thus before it knows who will be live, and reveals it in the history when the raid is over. The bits of draw n are the first 8 bytes,
/// most significant first, of SHA-256(seed, ASCII "beacon.raid.draw.v1", n as 4 bytes most significant first).
/// </summary>
public static class DrawProof
{
    public const int SeedBytes = 32;

    /// <summary>What is published before the draw.</summary>
    /// <param name="seed">In lower-case hexadecimal.</param>
    public static string Commitment(string seed) => Convert.ToHexStringLower(SHA256.HashData(Convert.FromHexString(seed)));

    /// <summary>The 64 bits of a draw.</summary>
    public static ulong Bits(string seed, int index)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(number, index);
        return BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData([.. Convert.FromHexString(seed), .. "beacon.raid.draw.v1"u8, .. number]));
    }

    /// <summary>True when the steps of a selection are what the seed gives.</summary>
    public static bool IsTrue(TargetDraw draw, string seed)
    {
        List<WeightedTarget> left = [.. draw.Candidates];
        foreach (var step in draw.Steps)
        {
            if (TargetChoice.Draw(left, Bits(seed, step.Index)) is not { } drawn || drawn.StreamId != step.StreamId)
                return false;
            left.Remove(drawn);
        }

        return true;
    }
}
