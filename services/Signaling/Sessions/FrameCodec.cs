using System.Buffers;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Signaling.Sessions;

/// <summary>Frames to WebSocket messages and back, in the encoding that the client's subprotocol chose.</summary>
internal abstract class FrameCodec
{
    public static readonly FrameCodec Binary = new ProtobufCodec();
    public static readonly FrameCodec Json = new JsonCodec();

    public abstract string Subprotocol { get; }

    /// <summary>The WebSocket opcode of its messages.</summary>
    public abstract byte Opcode { get; }

    /// <summary>Writes the frame as one whole WebSocket message.</summary>
    public abstract void Write(ServerFrame frame, IBufferWriter<byte> output);

    /// <summary>Null when the message is no frame at all. A frame of an unknown name decodes with no content.</summary>
    public abstract ClientFrame? Decode(ReadOnlySpan<byte> message);

    /// <summary>The codec of the first subprotocol that the server knows, or null.</summary>
    public static FrameCodec? For(IEnumerable<string> offered)
    {
        foreach (var name in offered)
        {
            if (name == Binary.Subprotocol)
                return Binary;
            if (name == Json.Subprotocol)
                return Json;
        }

        return null;
    }

    private sealed class ProtobufCodec : FrameCodec
    {
        public override string Subprotocol => "beacon.v1.proto";

        public override byte Opcode => WebSocketFraming.Binary;

        public override void Write(ServerFrame frame, IBufferWriter<byte> output)
        {
            var size = frame.CalculateSize();
            var span = output.GetSpan(WebSocketFraming.MaxHeaderBytes + size);
            var header = WebSocketFraming.WriteHeader(span, Opcode, size);
            frame.WriteTo(span.Slice(header, size));
            output.Advance(header + size);
        }

        public override ClientFrame? Decode(ReadOnlySpan<byte> message)
        {
            try
            {
                return ClientFrame.Parser.ParseFrom(message);
            }
            catch (InvalidProtocolBufferException)
            {
                return null;
            }
        }
    }

    private sealed class JsonCodec : FrameCodec
    {
        private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default);

        // Unknown names are let through, so that an unknown frame gets its own error and a newer client is understood.
        private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

        // A text message that is no UTF-8 is no message.
        private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        public override string Subprotocol => "beacon.v1.json";

        public override byte Opcode => WebSocketFraming.Text;

        public override void Write(ServerFrame frame, IBufferWriter<byte> output)
        {
            var text = Formatter.Format(frame);
            var size = Encoding.UTF8.GetByteCount(text);
            var span = output.GetSpan(WebSocketFraming.MaxHeaderBytes + size);
            var header = WebSocketFraming.WriteHeader(span, Opcode, size);
            Encoding.UTF8.GetBytes(text, span[header..]);
            output.Advance(header + size);
        }

        public override ClientFrame? Decode(ReadOnlySpan<byte> message)
        {
            try
            {
                return Parser.Parse<ClientFrame>(Utf8.GetString(message));
            }
            catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException or DecoderFallbackException)
            {
                return null;
            }
        }
    }
}
