using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Signaling.Sessions;

/// <summary>The frames of RFC 6455 on the server's side: reads headers and payloads of masked frames, writes unmasked ones.</summary>
internal static class WebSocketFraming
{
    public const byte Continuation = 0;
    public const byte Text = 1;
    public const byte Binary = 2;
    public const byte Close = 8;
    public const byte Ping = 9;
    public const byte Pong = 10;

    /// <summary>The longest payload of a control frame, which also must not be fragmented.</summary>
    public const int MaxControlBytes = 125;

    /// <summary>The longest header that this side writes.</summary>
    public const int MaxHeaderBytes = 10;

    private const int MaskBytes = 4;

    /// <param name="PayloadLength">As the frame says; nothing of it may be there yet.</param>
    /// <param name="Bytes">Length of the header itself, masking key included.</param>
    public readonly record struct Header(bool IsFinal, byte Opcode, long PayloadLength, int Bytes, uint Mask)
    {
        public bool IsControl => Opcode >= Close;
    }

    /// <summary>The answer to <c>Sec-WebSocket-Key</c>.</summary>
    public static string AcceptKey(string key)
    {
#pragma warning disable CA5350 // RFC 6455 says so; it guards nothing
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    /// <summary>False while the header is not complete.</summary>
    /// <param name="isValid">False for what no client may send: without a mask, with reserved bits or opcodes, a long or fragmented control frame.</param>
    public static bool TryReadHeader(ReadOnlySequence<byte> buffer, out Header header, out bool isValid)
    {
        header = default;
        isValid = true;
        Span<byte> bytes = stackalloc byte[14];
        var there = (int)Math.Min(bytes.Length, buffer.Length);
        if (there < 2)
            return false;
        buffer.Slice(0, there).CopyTo(bytes);
        var opcode = (byte)(bytes[0] & 0x0F);
        var isFinal = (bytes[0] & 0x80) != 0;
        var shortLength = bytes[1] & 0x7F;
        isValid = (bytes[0] & 0x70) == 0 && (bytes[1] & 0x80) != 0
            && opcode is Continuation or Text or Binary or Close or Ping or Pong
            && (opcode < Close || (isFinal && shortLength <= MaxControlBytes));
        if (!isValid)
            return true;
        var lengthBytes = shortLength switch { 126 => 2, 127 => 8, _ => 0 };
        var total = 2 + lengthBytes + MaskBytes;
        if (there < total)
            return false;
        var length = lengthBytes switch
        {
            0 => shortLength,
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            _ => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
        };
        isValid = length >= 0;
        header = new Header(isFinal, opcode, length, total, MemoryMarshal.Read<uint>(bytes[(total - MaskBytes)..]));
        return true;
    }

    /// <summary>Copies a payload and takes the mask off.</summary>
    public static void Unmask(ReadOnlySequence<byte> payload, uint mask, Span<byte> to)
    {
        payload.CopyTo(to);
        var vectors = MemoryMarshal.Cast<byte, Vector<uint>>(to);
        var wide = new Vector<uint>(mask);
        for (var index = 0; index < vectors.Length; index++)
            vectors[index] ^= wide;
        Span<byte> key = stackalloc byte[MaskBytes];
        MemoryMarshal.Write(key, mask);
        for (var index = vectors.Length * Vector<byte>.Count; index < to.Length; index++)
            to[index] ^= key[index % MaskBytes];
    }

    /// <summary>Writes the header of a final frame; returns its length.</summary>
    public static int WriteHeader(Span<byte> to, byte opcode, int payloadLength)
    {
        to[0] = (byte)(0x80 | opcode);
        if (payloadLength <= MaxControlBytes)
        {
            to[1] = (byte)payloadLength;
            return 2;
        }

        if (payloadLength <= ushort.MaxValue)
        {
            to[1] = 126;
            BinaryPrimitives.WriteUInt16BigEndian(to[2..], (ushort)payloadLength);
            return 4;
        }

        to[1] = 127;
        BinaryPrimitives.WriteUInt64BigEndian(to[2..], (ulong)payloadLength);
        return MaxHeaderBytes;
    }

    /// <summary>A whole control frame.</summary>
    public static void WriteControl(IBufferWriter<byte> output, byte opcode, ReadOnlySpan<byte> payload)
    {
        var span = output.GetSpan(2 + MaxControlBytes);
        var header = WriteHeader(span, opcode, payload.Length);
        payload.CopyTo(span[header..]);
        output.Advance(header + payload.Length);
    }

    /// <summary>A close frame; the text is cut to what fits.</summary>
    public static void WriteClose(IBufferWriter<byte> output, int code, string text)
    {
        Span<byte> payload = stackalloc byte[MaxControlBytes];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        Encoding.UTF8.GetEncoder().Convert(text, payload[2..], flush: true, out _, out var written, out _);
        WriteControl(output, Close, payload[..(2 + written)]);
    }
}
