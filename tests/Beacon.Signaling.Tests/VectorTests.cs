using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Sessions;
using Google.Protobuf;

namespace Beacon.Signaling.Tests;

/// <summary>docs/vectors.json, which the tests of the TypeScript client read too: what both sides must agree on, byte by byte.</summary>
public sealed class VectorTests
{
    private const int SignatureAt = 53;
    private const int SignatureBytes = 64;
    private static readonly JsonElement Vectors = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors.json"))).RootElement;

    public static TheoryData<int> Frames => [.. Enumerable.Range(0, Vectors.GetProperty("frames").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_is_the_same_in_both_encodings(int index)
    {
        var vector = Vectors.GetProperty("frames")[index];
        var (json, binary) = (vector.GetProperty("json").GetRawText(), Convert.FromHexString(vector.GetProperty("binary").GetString()!));
        if (vector.GetProperty("from").GetString() is "client")
        {
            var frame = FrameCodec.Json.Decode(Encoding.UTF8.GetBytes(json));
            Assert.Equal(FrameCodec.Binary.Decode(binary), frame);
            Assert.Equal(binary, frame!.ToByteArray());
        }
        else
        {
            Assert.Equal(binary, JsonParser.Default.Parse<ServerFrame>(json).ToByteArray());
        }
    }

    [Fact]
    public void The_frame_in_two_chunks_is_signed_by_its_key()
    {
        var chunk = Vectors.GetProperty("chunk");
        var first = Convert.FromHexString(chunk.GetProperty("first").GetString()!);
        var second = Convert.FromHexString(chunk.GetProperty("second").GetString()!);
        var key = chunk.GetProperty("key");
        using var verifier = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url(key, "x"), Y = Base64Url(key, "y") },
        });
        byte[] signed = [.. "beacon.frame.v1"u8, .. first.AsSpan(0, SignatureAt), .. first.AsSpan(SignatureAt + SignatureBytes)];

        Assert.True(verifier.VerifyData(signed, first.AsSpan(SignatureAt, SignatureBytes), HashAlgorithmName.SHA256));
        Assert.Equal(chunk.GetProperty("signature").GetString(), Convert.ToHexStringLower(first.AsSpan(SignatureAt, SignatureBytes)));
        Assert.Equal(chunk.GetProperty("secondDigest").GetString(), Convert.ToHexStringLower(SHA256.HashData(second)));
    }

    private static byte[] Base64Url(JsonElement key, string name) => System.Buffers.Text.Base64Url.DecodeFromChars(key.GetProperty(name).GetString());
}
