using System.Buffers;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Sessions;
using Google.Protobuf;

namespace Beacon.Signaling.Tests;

public sealed class FrameCodecTests
{
    private static readonly ClientFrame Join = new() { RequestId = 7, JoinStream = new JoinStream { StreamId = "s", UplinkMbps = 2.5 } };

    [Fact]
    public void The_first_known_subprotocol_is_chosen()
    {
        Assert.Same(FrameCodec.Json, FrameCodec.For(["bearer.x", "beacon.v1.json", "beacon.v1.proto"]));
        Assert.Same(FrameCodec.Binary, FrameCodec.For(["beacon.v1.proto"]));
        Assert.Null(FrameCodec.For(["bearer.x", "beacon.v9.proto"]));
    }

    [Fact]
    public void Both_encodings_carry_the_same_frame()
    {
        Assert.Equal(Join, FrameCodec.Binary.Decode(Join.ToByteArray()));
        Assert.Equal(Join, FrameCodec.Json.Decode("""{"requestId":"7","join-stream":{"streamId":"s","uplinkMbps":2.5}}"""u8));
    }

    [Fact]
    public void A_person_reads_the_frame_names_of_the_protocol()
    {
        var output = new ArrayBufferWriter<byte>();
        FrameCodec.Json.Write(new ServerFrame { ParentAssigned = new ParentAssigned { ParentPeerId = "p" } }, output);

        var text = Encoding.UTF8.GetString(output.WrittenSpan);
        Assert.Contains("\"parent-assigned\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_frame_is_told_from_no_frame()
    {
        Assert.Equal(ClientFrame.FrameOneofCase.None, FrameCodec.Json.Decode("""{"dance":{}}"""u8)!.FrameCase);
        Assert.Equal(ClientFrame.FrameOneofCase.None, FrameCodec.Binary.Decode([0xA2, 0x06, 0x00])!.FrameCase);
        Assert.Null(FrameCodec.Json.Decode("{nonsense"u8));
        Assert.Null(FrameCodec.Json.Decode("[1]"u8));
        Assert.Null(FrameCodec.Binary.Decode([0xFF, 0xFF]));
        // A text that is no UTF-8.
        Assert.Null(FrameCodec.Json.Decode([.. "{\"leave-stream\":{\"streamId\":\""u8, 0xC3, 0x28, .. "\"}}"u8]));
    }
}
