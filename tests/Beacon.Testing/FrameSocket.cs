using System.Net.WebSockets;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Testing;

/// <summary>
/// A client of <c>/ws</c> that keeps every frame it got, so that a test can wait for one that came already. Frames are
/// looked at in order, each by one wait only.
/// </summary>
public sealed class FrameSocket : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ClientWebSocket _socket = new();
    private readonly Lock _gate = new();
    private readonly List<ServerFrame> _frames = [];
    private readonly bool _json;
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private ulong _lastRequest;

    private FrameSocket(bool json) => _json = json;

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public static async Task<FrameSocket> ConnectAsync(Uri url, string? accessToken, bool json = false)
    {
        var client = new FrameSocket(json);
        client._socket.Options.AddSubProtocol(json ? "beacon.v1.json" : "beacon.v1.proto");
        if (accessToken is not null)
            client._socket.Options.AddSubProtocol($"bearer.{accessToken}");
        await client._socket.ConnectAsync(url, CancellationToken.None);
        client._reading = client.ReadAsync();
        return client;
    }

    /// <summary>Sends a frame under a fresh request id and waits for the answer that repeats it.</summary>
    public async Task<ServerFrame> AskAsync(ClientFrame frame)
    {
        var request = frame.RequestId = ++_lastRequest;
        await SendAsync(frame);
        return await WaitAsync(answer => answer.RequestId == request, $"an answer to {frame.FrameCase}");
    }

    public Task SendAsync(ClientFrame frame) => _json
        ? SendRawAsync(Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(frame)), WebSocketMessageType.Text)
        : SendRawAsync(frame.ToByteArray(), WebSocketMessageType.Binary);

    public Task SendRawAsync(byte[] message, WebSocketMessageType type) =>
        _socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);

    /// <summary>The next frame that fits, among those not taken yet; it is taken.</summary>
    /// <param name="patience">Default <see cref="Patience"/>.</param>
    public async Task<ServerFrame> WaitAsync(Func<ServerFrame, bool> fits, string what, TimeSpan? patience = null)
    {
        using var late = new CancellationTokenSource(patience ?? Patience);
        while (true)
        {
            Task arrived;
            lock (_gate)
            {
                var index = _frames.FindIndex(frame => fits(frame));
                if (index >= 0)
                {
                    var found = _frames[index];
                    _frames.RemoveAt(index);
                    return found;
                }

                arrived = _arrived.Task;
            }

            if (_reading.IsCompleted && arrived == _arrived.Task && !arrived.IsCompleted)
                throw new InvalidOperationException($"The socket closed ({_socket.CloseStatus} {_socket.CloseStatusDescription}) before {what} came; left: {Left()}");
            try
            {
                await Task.WhenAny(arrived, _reading).WaitAsync(late.Token);
            }
            catch (OperationCanceledException canceled)
            {
                throw new TimeoutException($"No {what} within {patience ?? Patience}; got instead: {Left()}", canceled);
            }
        }
    }

    public Task<ServerFrame> WaitAsync(ServerFrame.FrameOneofCase kind) => WaitAsync(frame => frame.FrameCase == kind, kind.ToString());

    /// <summary>Frames of this kind that came and were not taken.</summary>
    public int Count(ServerFrame.FrameOneofCase kind)
    {
        lock (_gate)
            return _frames.Count(frame => frame.FrameCase == kind);
    }

    /// <summary>Takes all frames that came and were not taken, in order.</summary>
    public IReadOnlyList<ServerFrame> TakeAll()
    {
        lock (_gate)
        {
            ServerFrame[] taken = [.. _frames];
            _frames.Clear();
            return taken;
        }
    }

    /// <summary>Waits until the server has closed.</summary>
    public Task ClosedAsync() => _reading.WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 20];
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                    return;
                var frame = _json
                    ? JsonParser.Default.Parse<ServerFrame>(Encoding.UTF8.GetString(buffer, 0, length))
                    : ServerFrame.Parser.ParseFrom(buffer, 0, length);
                lock (_gate)
                {
                    _frames.Add(frame);
                    _arrived.TrySetResult();
                    _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The end of the connection, however it came.
        }
    }

    private string Left()
    {
        lock (_gate)
            return string.Join(", ", _frames.Select(frame => frame.ToString()));
    }
}
