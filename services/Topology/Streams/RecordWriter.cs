using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Beacon.Topology.Streams;

/// <summary>Writes what <see cref="StreamRecord"/> reads.</summary>
/// <param name="buffer">To begin with; a larger one is made when it is full.</param>
[StructLayout(LayoutKind.Auto)]
internal struct RecordWriter(byte[] buffer)
{
    public const byte UuidTag = 255;

    private const int MostText = 253;

    private byte[] _buffer = buffer;

    public int Length { get; private set; }

    public byte[] Taken()
    {
        var taken = _buffer.AsSpan(0, Length).ToArray();
        Length = 0;
        return taken;
    }

    public void Byte(byte value) => Room(1)[0] = value;

    public void Float(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Room(8), value);

    public void Number(long value)
    {
        var left = (ulong)((value << 1) ^ (value >> 63));
        while (left >= 0x80)
        {
            Byte((byte)(left | 0x80));
            left >>= 7;
        }

        Byte((byte)left);
    }

    public void Optional(long? value)
    {
        Byte(value is null ? (byte)0 : (byte)1);
        if (value is { } some)
            Number(some);
    }

    public void Text(string? text)
    {
        if (text is null)
        {
            Byte(0);
            return;
        }

        // Ids are UUIDs as a rule; only what comes out the same again is written as one.
        if (text.Length == 36 && Guid.TryParseExact(text, "D", out var id) && !text.AsSpan().ContainsAnyInRange('A', 'Z'))
        {
            Byte(UuidTag);
            id.TryWriteBytes(Room(16));
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > MostText)
            throw new ArgumentException($"a text of {bytes} bytes does not go into the record, the most is {MostText}", nameof(text));
        Byte((byte)(bytes + 1));
        Encoding.UTF8.GetBytes(text, Room(bytes));
    }

    public void LongText(string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        Number(bytes);
        Encoding.UTF8.GetBytes(text, Room(bytes));
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - Length < bytes)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + bytes));
        var room = _buffer.AsSpan(Length, bytes);
        Length += bytes;
        return room;
    }
}
