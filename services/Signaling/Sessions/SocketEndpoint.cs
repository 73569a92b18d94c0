using System.Buffers;
using System.IO.Pipelines;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Identity;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary><c>/ws</c>: one WebSocket from the handshake to the close, directly on the pipes of the connection.</summary>
internal sealed class SocketEndpoint(
    Edge edge,
    FrameHandler handler,
    Departures departures,
    Handshakes handshakes,
    Drain drain,
    Revocations revocations,
    IssuerKey key,
    IOptions<SignalingOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<SocketEndpoint> log)
{
    private static readonly Credentials Nobody = new(new Caller("", "", "", []), [], DateTimeOffset.MaxValue, DateTimeOffset.MinValue, "", "");

    private readonly int _maxFrameBytes = options.Value.MaxFrameBytes;

    public async Task AcceptAsync(HttpContext context)
    {
        if (handshakes.Refusal(context) is var (status, fault))
        {
            await ErrorJson.WriteAsync(context.Response, status, fault);
            return;
        }

        if (drain.IsOn)
        {
            await ErrorJson.WriteAsync(context.Response, StatusCodes.Status503ServiceUnavailable, SignalingErrors.EdgeDraining);
            return;
        }

        var offered = context.Request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol");
        if (FrameCodec.For(offered) is not { } codec)
        {
            await ErrorJson.WriteAsync(context.Response, StatusCodes.Status400BadRequest, SignalingErrors.UnsupportedSubprotocol);
            return;
        }

        var user = await context.AuthenticateAsync();
        var transport = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
        var session = await UpgradeAsync(context, codec, transport, user);
        var failure = user.Succeeded ? null : user.Failure is null ? CommonErrors.MissingToken : CommonErrors.InvalidToken;
        if (context.Features.Get<Handover>()?.TryRun(transport, () => RunAsync(session, failure)) is not true)
            await RunAsync(session, failure);
    }

    private async Task RunAsync(Session session, Fault? failure)
    {
        var isLost = true;
        try
        {
            // A refused session is told why over the socket: a browser cannot see the status of a failed handshake.
            if (failure is not null)
                TurnAway(session, failure, Session.TokenExpired);
            else if (!edge.TryOpen(session))
                TurnAway(session, SignalingErrors.ServerFull, Session.TryAgainLater);
            // The token may have been taken back since it was looked at.
            else if (!revocations.EndIfCovered(session))
                Welcome(session);
            if (drain.IsOn || lifetime.ApplicationStopping.IsCancellationRequested)
                session.Close(Session.GoingAway, "");
            isLost = !await ReadAsync(session);
        }
        catch (Exception exception) when (exception is IOException or ConnectionResetException or ConnectionAbortedException or OperationCanceledException)
        {
            // Lost, without a word.
        }
        finally
        {
            // Peers of a replica that empties itself live on without it: they resume at another one, and whoever does not is missed for its reports.
            if (session.WasSentAway)
                departures.LetGo(session);
            else
                await departures.EndAsync(session, isLost);
            edge.Close(session);
            session.Close(Session.NormalClosure, "");
            await session.Written;
            Log.SessionClosed(log, session.Id, isLost ? "lost" : "closed");
        }
    }

    private void TurnAway(Session session, Fault fault, int code)
    {
        edge.Refuse(session);
        Refuse(session, fault, code);
    }

    private void Welcome(Session session)
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
                MaxFrameBytes = (uint)_maxFrameBytes,
                TicketKeyJwk = key.PublicJwk,
            },
        });
    }

    /// <summary>Handles frames until one side closes; true when the client said goodbye, or was told to go.</summary>
    private async Task<bool> ReadAsync(Session session)
    {
        using var partial = new PartialMessage(_maxFrameBytes);
        using var turn = new Turn();
        while (true)
        {
            // Waits without a buffer: the transport takes one when there is something to read.
            var read = await session.Input.ReadAsync();
            var buffer = read.Buffer;
            session.HeardAt = clock.GetTimestamp();
            while (TryTake(ref buffer, session, out var frame, out var payload))
            {
                if (frame.Opcode == WebSocketFraming.Close)
                {
                    session.Input.AdvanceTo(buffer.Start);
                    return true;
                }

                if (frame.Opcode == WebSocketFraming.Ping)
                    session.Pong(Control(payload, frame.Mask));
                else if (!frame.IsControl && !session.IsClosing && MessageAsync(session, partial, frame, payload, turn) is { IsCompletedSuccessfully: false } handling)
                {
                    // Nobody waits for what this one waits for.
                    turn.Flush();
                    await handling;
                }
            }

            turn.Flush();

            if (session.IsClosing)
                buffer = buffer.Slice(buffer.End);
            session.Input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                return session.IsClosing;
        }
    }

    /// <summary>Takes one whole frame off the buffer. What is no frame, or too large a one, ends the session.</summary>
    private bool TryTake(ref ReadOnlySequence<byte> buffer, Session session, out WebSocketFraming.Header frame, out ReadOnlySequence<byte> payload)
    {
        payload = default;
        if (!WebSocketFraming.TryReadHeader(buffer, out frame, out var isValid))
            return false;
        if (!isValid)
            session.Close(Session.ProtocolError, "");
        else if (frame.PayloadLength > _maxFrameBytes)
            Refuse(session, SignalingErrors.FrameTooLarge, Session.MessageTooBig);
        if (!isValid || frame.PayloadLength > _maxFrameBytes)
        {
            buffer = buffer.Slice(buffer.End);
            return false;
        }

        if (buffer.Length < frame.Bytes + frame.PayloadLength)
            return false;
        payload = buffer.Slice(frame.Bytes, frame.PayloadLength);
        buffer = buffer.Slice(frame.Bytes + frame.PayloadLength);
        return true;
    }

    private Task MessageAsync(
        Session session, PartialMessage partial, WebSocketFraming.Header header, ReadOnlySequence<byte> payload, Turn turn)
    {
        var length = (int)payload.Length;
        if (header is { IsFinal: true, Opcode: not WebSocketFraming.Continuation } && !partial.IsOpen)
        {
            var rented = ArrayPool<byte>.Shared.Rent(length);
            WebSocketFraming.Unmask(payload, header.Mask, rented.AsSpan(0, length));
            var frame = header.Opcode == session.Codec.Opcode ? session.Codec.Decode(rented.AsSpan(0, length)) : null;
            ArrayPool<byte>.Shared.Return(rented);
            return HandleAsync(session, frame, turn);
        }

        switch (partial.Add(header, payload))
        {
            case PartialMessage.State.More:
                return Task.CompletedTask;
            case PartialMessage.State.TooLarge:
                Refuse(session, SignalingErrors.FrameTooLarge, Session.MessageTooBig);
                return Task.CompletedTask;
            case PartialMessage.State.OutOfOrder:
                session.Close(Session.ProtocolError, "");
                return Task.CompletedTask;
            default:
                var frame = partial.Opcode == session.Codec.Opcode ? session.Codec.Decode(partial.Message) : null;
                partial.Clear();
                return HandleAsync(session, frame, turn);
        }
    }

    private async Task HandleAsync(Session session, ClientFrame? frame, Turn turn)
    {
        if (frame is null)
        {
            session.SendError(SignalingErrors.MalformedFrame);
            return;
        }

        try
        {
            if (await handler.HandleAsync(session, frame, turn) is { } fault)
                session.SendError(fault, frame.RequestId);
        }
        catch (RpcException exception)
        {
            if (exception.StatusCode is StatusCode.Internal or StatusCode.Unknown)
                Log.FrameFailed(log, frame.FrameCase.ToString(), session.Id, exception);
            var reason = Fault.ReasonOf(exception);
            session.SendError(
                reason is null ? CommonErrors.ServiceUnavailable : new Fault(reason, exception.StatusCode, exception.Status.Detail, exception.StatusCode is StatusCode.Unavailable),
                frame.RequestId);
        }
    }

    private async Task<Session> UpgradeAsync(HttpContext context, FrameCodec codec, IDuplexPipe transport, AuthenticateResult user)
    {
        var headers = context.Response.Headers;
        headers.SecWebSocketAccept = WebSocketFraming.AcceptKey(context.Request.Headers.SecWebSocketKey.ToString());
        headers.SecWebSocketProtocol = codec.Subprotocol;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        return new Session(
            Guid.CreateVersion7(clock.GetUtcNow()).ToString(),
            user.Succeeded ? AccessTokens.Read(user) : Nobody,
            AddressBlock.Of(context.Connection.RemoteIpAddress),
            codec,
            transport,
            context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort,
            options.Value,
            clock);
    }

    private static byte[] Control(ReadOnlySequence<byte> payload, uint mask)
    {
        var bytes = new byte[(int)payload.Length];
        WebSocketFraming.Unmask(payload, mask, bytes);
        return bytes;
    }

    private static void Refuse(Session session, Fault fault, int code)
    {
        session.SendError(fault);
        session.Close(code, fault.Reason);
    }
}
