using System.Buffers;
using System.Text;
using Beacon.Signaling.Sessions;

namespace Beacon.Signaling.Tests;

public sealed class WebSocketFramingTests
{
    /// <summary>RFC 6455, section 5.7: a single masked text frame with "Hello".</summary>
    private static readonly byte[] MaskedHello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

    [Fact]
    public void The_accept_key_is_that_of_the_standards_example() =>
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WebSocketFraming.AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="));

    [Fact]
    public void The_standards_example_is_read()
    {
        Assert.True(WebSocketFraming.TryReadHeader(new ReadOnlySequence<byte>(MaskedHello), out var header, out var isValid));

        Assert.True(isValid);
        Assert.Equal((true, WebSocketFraming.Text, 5L, 6), (header.IsFinal, header.Opcode, header.PayloadLength, header.Bytes));
        var text = new byte[5];
        WebSocketFraming.Unmask(new ReadOnlySequence<byte>(MaskedHello, 6, 5), header.Mask, text);
        Assert.Equal("Hello", Encoding.ASCII.GetString(text));
    }

    [Fact]
    public void A_header_that_is_not_all_there_is_waited_for()
    {
        for (var length = 0; length < 6; length++)
            Assert.False(WebSocketFraming.TryReadHeader(new ReadOnlySequence<byte>(MaskedHello, 0, length), out _, out _));
    }

    [Theory]
    [InlineData(0x81, 0x05)] // no mask
    [InlineData(0xC1, 0x85)] // a reserved bit
    [InlineData(0x83, 0x85)] // a reserved opcode
    [InlineData(0x09, 0x85)] // a ping in parts
    [InlineData(0x89, 0xFE)] // a ping of over 125 bytes
    public void What_no_client_may_send_is_told_from_what_is_not_all_there(byte first, byte second)
    {
        Assert.True(WebSocketFraming.TryReadHeader(new ReadOnlySequence<byte>([first, second]), out _, out var isValid));
        Assert.False(isValid);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    public void Lengths_come_back_as_written(int length)
    {
        var header = new byte[WebSocketFraming.MaxHeaderBytes];
        var written = WebSocketFraming.WriteHeader(header, WebSocketFraming.Binary, length);
        // A client's header has the mask bit and the key.
        header[1] |= 0x80;

        Assert.True(WebSocketFraming.TryReadHeader(new ReadOnlySequence<byte>([.. header[..written], 0, 0, 0, 0]), out var read, out var isValid));
        Assert.True(isValid);
        Assert.Equal((length, written + 4), (read.PayloadLength, read.Bytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(1_003)]
    public void A_mask_comes_off_whatever_the_length_and_the_pieces(int length)
    {
        var clear = Enumerable.Range(0, length).Select(index => (byte)(index * 7)).ToArray();
        byte[] key = [1, 2, 3, 4];
        var masked = clear.Select((value, index) => (byte)(value ^ key[index % 4])).ToArray();
        var result = new byte[length];

        WebSocketFraming.Unmask(Pieces(masked, 13), BitConverter.ToUInt32(key), result);

        Assert.Equal(clear, result);
    }

    [Fact]
    public void A_close_text_that_is_too_long_is_cut_between_characters()
    {
        var output = new ArrayBufferWriter<byte>();

        WebSocketFraming.WriteClose(output, 1013, new string('é', 100));

        Assert.Equal(2 + 2 + 122, output.WrittenCount);
        Assert.Equal((byte)124, output.WrittenSpan[1]);
        Assert.Equal(new string('é', 61), Encoding.UTF8.GetString(output.WrittenSpan[4..]));
    }

    [Fact]
    public void A_message_in_parts_is_put_together_and_bounded()
    {
        using var partial = new PartialMessage(maxBytes: 10);

        Assert.Equal(PartialMessage.State.OutOfOrder, partial.Add(Part(WebSocketFraming.Continuation, isFinal: true), Sequence(1)));
        Assert.Equal(PartialMessage.State.More, partial.Add(Part(WebSocketFraming.Text, isFinal: false), Sequence(4)));
        Assert.Equal(PartialMessage.State.OutOfOrder, partial.Add(Part(WebSocketFraming.Text, isFinal: false), Sequence(1)));
        Assert.Equal(PartialMessage.State.TooLarge, partial.Add(Part(WebSocketFraming.Continuation, isFinal: true), Sequence(7)));
        Assert.Equal(PartialMessage.State.Whole, partial.Add(Part(WebSocketFraming.Continuation, isFinal: true), Sequence(6)));
        Assert.Equal((WebSocketFraming.Text, 10), (partial.Opcode, partial.Message.Length));

        static WebSocketFraming.Header Part(byte opcode, bool isFinal) => new(isFinal, opcode, 0, 0, 0);

        static ReadOnlySequence<byte> Sequence(int length) => new(new byte[length]);
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        Piece? first = null, last = null;
        foreach (var chunk in bytes.Chunk(size).DefaultIfEmpty([]))
        {
            last = new Piece(chunk, last);
            first ??= last;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? before)
        {
            Memory = bytes;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
