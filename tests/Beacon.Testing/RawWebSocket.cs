using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Beacon.Testing;

/// <summary>
/// The client side of RFC 6455 over a bare socket: thousands of them must cost the measured server's machine little. The masking
/// key is always zero, which a server has to undo all the same.
/// </summary>
public abstract class RawWebSocket : IDisposable
{
    public const byte Text = 1;
    public const byte Binary = 2;
    private const byte Close = 8;
    private const byte Ping = 9;
    private const byte Pong = 10;
    private const int MaxHeaderBytes = 14;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SocketAsyncEventArgs _receive = new();
    private readonly TaskCompletionSource _upgraded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _sending = new();
    private byte[] _buffer = new byte[2_048];
    private byte[]? _outgoing;
    private int _filled;
    private bool _isUpgraded;
    private bool _isClosed;
    private volatile bool _saidGoodbye;

    /// <summary>The code with which the server closed, 0 when it did not; that it answers a goodbye does not count.</summary>
    public int CloseCode { get; private set; }

    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Completes when the server has agreed to the upgrade.</summary>
    protected async Task OpenAsync(IPEndPoint server, string path, string headers)
    {
        await _socket.ConnectAsync(server);
        var request = $"GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n";
        _socket.Send(Encoding.ASCII.GetBytes(request));
        _receive.Completed += (_, _) => Pump(Received());
        Pump(true);
        await _upgraded.Task;
    }

    /// <summary>One whole message, header and all, in one write.</summary>
    public void Send(byte opcode, ReadOnlySpan<byte> payload)
    {
        lock (_sending)
        {
            if (_isClosed)
                return;
            if (_outgoing is null || _outgoing.Length < payload.Length + MaxHeaderBytes)
                _outgoing = new byte[Math.Max(1_024, payload.Length + MaxHeaderBytes)];
            var length = WriteHeader(_outgoing, opcode, payload.Length);
            payload.CopyTo(_outgoing.AsSpan(length));
            SendRaw(_outgoing.AsSpan(0, length + payload.Length));
        }
    }

    /// <summary>Bytes as they are, framed or not.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The receive side notices too and reports the end.
        }
    }

    /// <summary>A close frame with 1001, as a browser sends it when its page goes.</summary>
    public void SayGoodbye()
    {
        _saidGoodbye = true;
        Send(Close, [0x03, 0xE9]);
    }

    /// <summary>Ends the connection as a crash would: a reset, no close frame.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    public void Dispose()
    {
        lock (_sending)
            _isClosed = true;
        _socket.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The header of a masked client frame, with a masking key of zero; returns its length.</summary>
    public static int WriteHeader(Span<byte> to, byte opcode, int payloadLength)
    {
        to[0] = (byte)(0x80 | opcode);
        var length = 2;
        if (payloadLength < 126)
        {
            to[1] = (byte)(0x80 | payloadLength);
        }
        else if (payloadLength <= ushort.MaxValue)
        {
            to[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(to[2..], (ushort)payloadLength);
            length = 4;
        }
        else
        {
            to[1] = 0x80 | 127;
            BinaryPrimitives.WriteUInt64BigEndian(to[2..], (ulong)payloadLength);
            length = 10;
        }

        to.Slice(length, 4).Clear();
        return length + 4;
    }

    /// <summary>A whole message of the server. Called on the thread that received it; must not block.</summary>
    protected abstract void OnMessage(ReadOnlySpan<byte> message);

    protected virtual void OnClosed()
    {
    }

    private void Pump(bool goOn)
    {
        try
        {
            while (goOn)
            {
                _receive.SetBuffer(_buffer, _filled, _buffer.Length - _filled);
                if (_socket.ReceiveAsync(_receive))
                    return;
                goOn = Received();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }

        End();
    }

    private bool Received()
    {
        if (_receive.SocketError != SocketError.Success || _receive.BytesTransferred == 0)
            return false;
        _filled += _receive.BytesTransferred;
        var used = 0;
        if (!_isUpgraded)
        {
            var end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
            if (end < 0)
                return true;
            if (!_buffer.AsSpan(0, _filled).StartsWith("HTTP/1.1 101"u8))
            {
                _upgraded.TrySetException(new InvalidOperationException($"No upgrade: {Encoding.ASCII.GetString(_buffer, 0, _filled)}"));
                return false;
            }

            used = end + 4;
            _isUpgraded = true;
            _upgraded.TrySetResult();
        }

        while (TryFrame(_buffer.AsSpan(used, _filled - used), out var opcode, out var header, out var length))
        {
            if (header + length > _filled - used)
            {
                if (header + length > _buffer.Length)
                    Array.Resize(ref _buffer, header + length);
                break;
            }

            Handle(opcode, _buffer.AsSpan(used + header, length));
            used += header + length;
        }

        _buffer.AsSpan(used, _filled - used).CopyTo(_buffer);
        _filled -= used;
        return true;
    }

    private static bool TryFrame(ReadOnlySpan<byte> bytes, out byte opcode, out int header, out int length)
    {
        opcode = 0;
        header = 2;
        length = 0;
        if (bytes.Length < 2)
            return false;
        opcode = (byte)(bytes[0] & 0x0F);
        length = bytes[1] & 0x7F;
        if (length == 126)
        {
            header = 4;
            if (bytes.Length < header)
                return false;
            length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        }
        else if (length == 127)
        {
            header = 10;
            if (bytes.Length < header)
                return false;
            length = checked((int)BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]));
        }

        return true;
    }

    private void Handle(byte opcode, ReadOnlySpan<byte> payload)
    {
        switch (opcode)
        {
            case Ping:
                Send(Pong, payload);
                break;
            case Close:
                CloseCode = payload.Length >= 2 && !_saidGoodbye ? BinaryPrimitives.ReadUInt16BigEndian(payload) : 0;
                break;
            case Text or Binary:
                OnMessage(payload);
                break;
        }
    }

    private void End()
    {
        lock (_sending)
            _isClosed = true;
        _upgraded.TrySetException(new IOException("The server closed the connection before it agreed to the upgrade."));
        OnClosed();
    }
}
