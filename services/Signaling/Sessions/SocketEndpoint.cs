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
        var session = await UpgradeAsync(context, codec, user);
        // From here on only the session knows who this is: the request would hold token and claims as long as the connection lives.
        context.Features.Set<IAuthenticateResultFeature>(null);
        context.User = new System.Security.Claims.ClaimsPrincipal();
        context.Request.Headers.Clear();
        var failure = user.Succeeded ? null : user.Failure is null ? CommonErrors.MissingToken : CommonErrors.InvalidToken;
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
                else if (!frame.IsControl && !session.IsClosing)
                    await MessageAsync(session, partial, frame, payload);
            }

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

    private ValueTask MessageAsync(Session session, PartialMessage partial, WebSocketFraming.Header header, ReadOnlySequence<byte> payload)
    {
        var length = (int)payload.Length;
        if (header is { IsFinal: true, Opcode: not WebSocketFraming.Continuation } && !partial.IsOpen)
        {
            var rented = ArrayPool<byte>.Shared.Rent(length);
            WebSocketFraming.Unmask(payload, header.Mask, rented.AsSpan(0, length));
            var frame = header.Opcode == session.Codec.Opcode ? session.Codec.Decode(rented.AsSpan(0, length)) : null;
            ArrayPool<byte>.Shared.Return(rented);
            return HandleAsync(session, frame);
        }

        switch (partial.Add(header, payload))
        {
            case PartialMessage.State.More:
                return default;
            case PartialMessage.State.TooLarge:
                Refuse(session, SignalingErrors.FrameTooLarge, Session.MessageTooBig);
                return default;
            case PartialMessage.State.OutOfOrder:
                session.Close(Session.ProtocolError, "");
                return default;
            default:
                var frame = partial.Opcode == session.Codec.Opcode ? session.Codec.Decode(partial.Message) : null;
                partial.Clear();
                return HandleAsync(session, frame);
        }
    }

    private async ValueTask HandleAsync(Session session, ClientFrame? frame)
    {
        if (frame is null)
        {
            session.SendError(SignalingErrors.MalformedFrame);
            return;
        }

        try
        {
            if (await handler.HandleAsync(session, frame) is { } fault)
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

    private async Task<Session> UpgradeAsync(HttpContext context, FrameCodec codec, AuthenticateResult user)
    {
        var headers = context.Response.Headers;
        headers.SecWebSocketAccept = WebSocketFraming.AcceptKey(context.Request.Headers.SecWebSocketKey.ToString());
        headers.SecWebSocketProtocol = codec.Subprotocol;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        var stream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        var connection = context.Features.Get<IConnectionTransportFeature>()?.Transport ?? new StreamPipes(stream);
        var lifetimeOfConnection = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        return new Session(
            Guid.CreateVersion7(clock.GetUtcNow()).ToString(),
            user.Succeeded ? AccessTokens.Read(user) : Nobody,
            AddressBlock.Of(context.Connection.RemoteIpAddress),
            codec,
            connection,
            lifetimeOfConnection.Abort,
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

    /// <summary>For a server that is not Kestrel, such as the test server.</summary>
    private sealed class StreamPipes(Stream stream) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream);

        public PipeWriter Output { get; } = PipeWriter.Create(stream);
    }
}
