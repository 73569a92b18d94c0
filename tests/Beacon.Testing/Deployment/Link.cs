using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Beacon.Testing;

/// <summary>One of those to which a <see cref="Link"/> leads.</summary>
public sealed class LinkTarget(IPEndPoint address)
{
    public IPEndPoint Address { get; } = address;

    /// <summary>False: connections go to others while there are any.</summary>
    public bool IsInService { get; set; } = true;
}

/// <summary>
/// A TCP address of its own before one or more others. It deals connections in turn to those that are in service, as a balancer without
/// stickiness does, and can be cut like a cable: nothing passes, and nobody is told.
/// </summary>
public sealed class Link : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;
    private readonly IReadOnlyList<LinkTarget> _targets;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _connections = [];
    private readonly Task _accepting;
    private TaskCompletionSource _whole = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint _turn;

    public Link(params IReadOnlyList<LinkTarget> targets)
    {
        _targets = targets;
        _whole.SetResult();
        _listener.Start();
        Address = (IPEndPoint)_listener.LocalEndpoint;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>From now on bytes stay where they are, of new connections too.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            if (_whole.Task.IsCompleted)
                _whole = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What was held up goes on.</summary>
    public void Mend()
    {
        lock (_gate)
            _whole.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] open;
        lock (_gate)
            open = [.. _connections];
        await Task.WhenAll(open);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_closing.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            var connection = ServeAsync(client);
            lock (_gate)
                _connections.Add(connection);
            _ = connection.ContinueWith(
                ended =>
                {
                    lock (_gate)
                        _connections.Remove(ended);
                },
                CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                await _whole.Task.WaitAsync(_closing.Token);
                using var target = await ConnectAsync();
                if (target is null)
                    return;
                client.NoDelay = target.NoDelay = true;
                // The first that ends with an error takes the other with it; a half-closed connection goes on the other way.
                using var broken = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
                await Task.WhenAll(PassAsync(client, target, broken), PassAsync(target, client, broken));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Whoever was at the other end has seen the end of it.
                Reset(client);
            }
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        var first = (int)(Interlocked.Increment(ref _turn) % (uint)_targets.Count);
        // When none is in service, all are tried.
        foreach (var target in _targets.Skip(first).Concat(_targets.Take(first)).OrderBy(target => !target.IsInService))
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(target.Address, _closing.Token);
                return socket;
            }
            catch (SocketException)
            {
                // The next one.
                socket.Dispose();
            }
        }

        return null;
    }

    private async Task PassAsync(Socket from, Socket to, CancellationTokenSource broken)
    {
        try
        {
            while (await PassOnceAsync(from, to, broken.Token))
            {
                // The next bytes.
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            Reset(to);
            await broken.CancelAsync();
        }
    }

    private async Task<bool> PassOnceAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        // Without a buffer until there is something to read: most connections are silent most of the time.
        await from.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var count = await from.ReceiveAsync(buffer, cancellationToken);
            await _whole.Task.WaitAsync(cancellationToken);
            for (var sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), cancellationToken);
            return count > 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Closed already.
        }
    }
}
