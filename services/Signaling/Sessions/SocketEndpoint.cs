using System.Buffers;
using System.Net.WebSockets;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Identity;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary><c>/ws</c>: one WebSocket from the handshake to the close.</summary>
internal sealed class SocketEndpoint(
    Edge edge,
    FrameHandler handler,
    IssuerKey key,
    IOptions<SignalingOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<SocketEndpoint> log)
{
    private const string TokenProtocol = "bearer.";

    /// <summary>The access token of a handshake: it travels as a subprotocol, because a URL ends up in logs.</summary>
    public static string? TokenOf(HttpRequest request) =>
        request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol")
            .FirstOrDefault(protocol => protocol.StartsWith(TokenProtocol, StringComparison.Ordinal))?[TokenProtocol.Length..];

    public async Task AcceptAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(context, SignalingErrors.WebSocketRequired);
            return;
        }

        if (FrameCodec.For(context.WebSockets.WebSocketRequestedProtocols) is not { } codec)
        {
            await RefuseAsync(context, SignalingErrors.UnsupportedSubprotocol);
            return;
        }

        var user = await context.AuthenticateAsync();
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = codec.Subprotocol,
            KeepAliveInterval = TimeSpan.FromSeconds(options.Value.KeepAliveSeconds),
            KeepAliveTimeout = TimeSpan.FromSeconds(options.Value.KeepAliveSeconds),
        });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var session = Open(context, codec, socket, user);
        var writing = session.WriteAsync(context.RequestAborted);
        var reason = "closed";
        try
        {
            // A refused session is told why over the socket: a browser cannot see the status of a failed handshake.
            if (!user.Succeeded)
                Refuse(session, user.Failure is null ? CommonErrors.MissingToken : CommonErrors.InvalidToken, Session.TokenExpired);
            else if (!edge.TryOpen(session))
                Refuse(session, SignalingErrors.ServerFull, Session.TryAgainLater);
            else
                await RunAsync(session, socket, codec, writing, ended.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or Microsoft.AspNetCore.Connections.ConnectionAbortedException)
        {
            reason = exception is OperationCanceledException ? "stopped" : "lost";
        }
        finally
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // The peers live on without this replica: they resume at another one, and whoever does not is missed for its reports.
                session.Close(WebSocketCloseStatus.EndpointUnavailable, "");
            }
            else
            {
                session.Close(WebSocketCloseStatus.NormalClosure, "");
                await LeaveAllAsync(session);
            }

            edge.Close(session);
            await FinishAsync(writing);
            Log.SessionClosed(log, session.Id, reason);
        }
    }

    private async Task RunAsync(Session session, WebSocket socket, FrameCodec codec, Task writing, CancellationToken ended)
    {
        Log.SessionOpened(log, session.Id, session.Caller.AccountId);
        session.Send(new ServerFrame
        {
            Welcome = new Welcome
            {
                SessionId = session.Id,
                AccountId = session.Caller.AccountId,
                ServerTimeMs = (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds(),
                ReportIntervalMs = (uint)options.Value.ReportIntervalMs,
                MaxFrameBytes = (uint)options.Value.MaxFrameBytes,
                TicketKeyJwk = key.PublicJwk,
            },
        });
        // The writer ends when the session is closed from this side: then there is no point in reading on.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ended);
        var reading = ReadAsync(session, socket, codec, stop.Token);
        await Task.WhenAny(reading, writing);
        if (writing.IsCompleted)
            await stop.CancelAsync();
        await reading;
    }

    private async Task ReadAsync(Session session, WebSocket socket, FrameCodec codec, CancellationToken cancellation)
    {
        while (true)
        {
            // A read of nothing waits for the next message without holding a buffer for it.
            await socket.ReceiveAsync(Memory<byte>.Empty, cancellation);
            var buffer = ArrayPool<byte>.Shared.Rent(options.Value.MaxFrameBytes);
            try
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (length == options.Value.MaxFrameBytes)
                    {
                        Refuse(session, SignalingErrors.FrameTooLarge, WebSocketCloseStatus.MessageTooBig);
                        return;
                    }

                    part = await socket.ReceiveAsync(buffer.AsMemory(length, options.Value.MaxFrameBytes - length), cancellation);
                    if (part.MessageType == WebSocketMessageType.Close)
                        return;
                    length += part.Count;
                }
                while (!part.EndOfMessage);

                await HandleAsync(session, codec, part.MessageType, buffer.AsMemory(0, length), cancellation);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private async Task HandleAsync(Session session, FrameCodec codec, WebSocketMessageType type, ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        var frame = type == codec.MessageType ? codec.Decode(message.Span) : null;
        if (frame is null)
        {
            session.SendError(SignalingErrors.MalformedFrame);
            return;
        }

        try
        {
            if (await handler.HandleAsync(session, frame, cancellation) is { } fault)
                session.SendError(fault, frame.RequestId);
        }
        catch (RpcException exception) when (!cancellation.IsCancellationRequested)
        {
            if (exception.StatusCode is StatusCode.Internal or StatusCode.Unknown)
                Log.FrameFailed(log, frame.FrameCase.ToString(), session.Id, exception);
            var reason = Fault.ReasonOf(exception);
            session.SendError(
                reason is null ? CommonErrors.ServiceUnavailable : new Fault(reason, exception.StatusCode, exception.Status.Detail, exception.StatusCode is StatusCode.Unavailable),
                frame.RequestId);
        }
    }

    private async Task LeaveAllAsync(Session session)
    {
        foreach (var seat in session.Seats.Values)
        {
            try
            {
                await handler.LeaveAsync(seat, CancellationToken.None);
            }
            catch (RpcException exception)
            {
                Log.LeaveNotDelivered(log, seat.PeerId, seat.StreamId, exception);
            }
        }
    }

    /// <summary>The rest of the queue and the close frame; a connection that is gone takes neither.</summary>
    private static async Task FinishAsync(Task writing)
    {
        try
        {
            await writing;
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or Microsoft.AspNetCore.Connections.ConnectionAbortedException or IOException)
        {
        }
    }

    private Session Open(HttpContext context, FrameCodec codec, WebSocket socket, AuthenticateResult user) => new(
        Guid.CreateVersion7(clock.GetUtcNow()).ToString(),
        user.Succeeded ? Caller.Of(user.Principal) : new Caller("", "", "", []),
        TokenOf(context.Request) ?? "",
        user.Properties?.ExpiresUtc ?? DateTimeOffset.MaxValue,
        AddressBlock.Of(context.Connection.RemoteIpAddress),
        codec,
        socket,
        options.Value,
        clock);

    private static void Refuse(Session session, Fault fault, WebSocketCloseStatus status)
    {
        session.SendError(fault);
        session.Close(status, fault.Reason);
    }

    private static Task RefuseAsync(HttpContext context, Fault fault) =>
        ErrorJson.WriteAsync(context.Response, StatusCodes.Status400BadRequest, fault);
}
