using System.Buffers;

namespace Beacon.Signaling.Sessions;

/// <summary>A message that comes in several frames, which few clients do; it takes a buffer only then.</summary>
internal sealed class PartialMessage(int maxBytes) : IDisposable
{
    private byte[]? _buffer;
    private int _length;

    public enum State
    {
        More,
        Whole,
        TooLarge,
        OutOfOrder,
    }

    public bool IsOpen => _buffer is not null;

    public byte Opcode { get; private set; }

    public ReadOnlySpan<byte> Message => _buffer.AsSpan(0, _length);

    public State Add(WebSocketFraming.Header header, ReadOnlySequence<byte> payload)
    {
        // The first has a kind, the others continue.
        if (header.Opcode == WebSocketFraming.Continuation != IsOpen)
            return State.OutOfOrder;
        if (payload.Length > maxBytes - _length)
            return State.TooLarge;
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(maxBytes);
            Opcode = header.Opcode;
        }

        WebSocketFraming.Unmask(payload, header.Mask, _buffer.AsSpan(_length, (int)payload.Length));
        _length += (int)payload.Length;
        return header.IsFinal ? State.Whole : State.More;
    }

    public void Clear()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = (null, 0);
    }

    public void Dispose() => Clear();
}
