using System.Net.WebSockets;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Signaling.Sessions;

/// <summary>Frames to messages and back, in the encoding that the client's subprotocol chose.</summary>
internal abstract class FrameCodec
{
    public static readonly FrameCodec Binary = new ProtobufCodec();
    public static readonly FrameCodec Json = new JsonCodec();

    public abstract string Subprotocol { get; }

    public abstract WebSocketMessageType MessageType { get; }

    public abstract byte[] Encode(ServerFrame frame);

    /// <summary>Null when the message is no frame at all. A frame of an unknown name decodes with no content.</summary>
    public abstract ClientFrame? Decode(ReadOnlySpan<byte> message);

    /// <summary>The codec of the first subprotocol that the server knows, or null.</summary>
    public static FrameCodec? For(IList<string> offered)
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

        public override WebSocketMessageType MessageType => WebSocketMessageType.Binary;

        public override byte[] Encode(ServerFrame frame) => frame.ToByteArray();

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

        public override string Subprotocol => "beacon.v1.json";

        public override WebSocketMessageType MessageType => WebSocketMessageType.Text;

        public override byte[] Encode(ServerFrame frame) => Encoding.UTF8.GetBytes(Formatter.Format(frame));

        public override ClientFrame? Decode(ReadOnlySpan<byte> message)
        {
            try
            {
                return Parser.Parse<ClientFrame>(Encoding.UTF8.GetString(message));
            }
            catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException)
            {
                return null;
            }
        }
    }
}
