using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Testing;

/// <summary>Messages that no honest client sends, and some that one does: the same ones for the same seed.</summary>
/// <param name="streamId">A live stream, so that some messages get past the first checks.</param>
public sealed class FrameFuzzer(int seed, string streamId, string peerId)
{
    private const int LongestText = 3_000;
    private static readonly byte[] Opcodes = [RawWebSocket.Binary, RawWebSocket.Text];
    private static readonly string[] Texts = ["", "a", "no-uuid", "../..", "\u0000", "\uffff", "{\"t\":1}", "-1", "9223372036854775808", "null"];
    private static readonly double[] Numbers = [0, -0.0, -1, 1e308, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon];
    private readonly Random _random = new(seed);

    /// <summary>One WebSocket message.</summary>
    public (byte Opcode, byte[] Payload) Next(bool json)
    {
        var opcode = _random.Next(50) == 0 ? Opcodes[_random.Next(2)] : json ? RawWebSocket.Text : RawWebSocket.Binary;
        return _random.Next(10) switch
        {
            0 => (opcode, Noise(_random.Next(600))),
            1 => (opcode, Encode(Frame(), json)),
            _ => (opcode, Mutate(Encode(Frame(), json))),
        };
    }

    /// <summary>Bytes below the messages: broken headers, fragments, control frames; a whole valid frame now and then.</summary>
    public byte[] NextRaw()
    {
        var payload = Noise(_random.Next(130));
        var bytes = new byte[payload.Length + 14];
        var header = RawWebSocket.WriteHeader(bytes, (byte)_random.Next(16), payload.Length);
        payload.CopyTo(bytes, header);
        bytes = bytes[..(header + payload.Length)];
        return _random.Next(3) switch
        {
            0 => Noise(1 + _random.Next(40)),
            1 => Mutate(bytes),
            _ => bytes,
        };
    }

    private static byte[] Encode(ClientFrame frame, bool json) => json ? Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(frame)) : frame.ToByteArray();

    private ClientFrame Frame()
    {
        var stream = _random.Next(4) == 0 ? Text() : streamId;
        var frame = new ClientFrame { RequestId = (ulong)_random.NextInt64() };
        switch (_random.Next(8))
        {
            case 0:
                frame.GoLive = new GoLive { Title = Text(), BitrateKbps = (uint)_random.Next(60_000), UplinkMbps = Number(), MaxChildren = (uint)_random.Next(6), ResumeTicket = Text() };
                break;
            case 1:
                frame.JoinStream = new JoinStream { StreamId = stream, UplinkMbps = Number(), LatencyMs = (uint)_random.Next(70_000), ResumeTicket = Text(), RelayOnly = Coin(), TicketMac = Coin() };
                break;
            case 2:
                frame.LeaveStream = new LeaveStream { StreamId = stream };
                break;
            case 3:
                frame.Signal = new Signal { StreamId = stream, PeerId = Coin() ? peerId : Text(), Stripe = (uint)_random.Next(3), Offer = Text(), Ticket = Text() };
                break;
            case 4:
                frame.MetricsReport = new MetricsReport
                {
                    StreamId = stream,
                    LatencyMs = Number(),
                    UploadMbps = Number(),
                    UplinkMbps = Number(),
                    BufferMs = (uint)_random.Next(),
                    Answer = Coin() ? null : new ChallengeAnswer { Window = (ulong)_random.NextInt64(), Hmac = ByteString.CopyFrom(Noise(Coin() ? 32 : 31)) },
                };
                for (var receipts = _random.Next(70); receipts > 0; receipts--)
                    frame.MetricsReport.Receipts.Add(new Receipt { ParentPeerId = Coin() ? peerId : Text(), Stripe = (uint)_random.Next(300), Bytes = (ulong)_random.NextInt64() });
                break;
            case 5:
                frame.ChunkDigests = new ChunkDigests { StreamId = stream };
                for (var digests = _random.Next(40); digests > 0; digests--)
                    frame.ChunkDigests.Digests.Add(new ChunkDigest { Stripe = (uint)_random.Next(300), Digest = ByteString.CopyFrom(Noise(Coin() ? 32 : 33)) });
                break;
            case 6:
                frame.EndStream = new EndStream { StreamId = Coin() ? Text() : streamId, RaidTarget = Text() };
                break;
            default:
                frame.Refresh = new Refresh { AccessToken = $"{Text()}.{Text()}.{Text()}" };
                break;
        }

        return frame;
    }

    private byte[] Mutate(byte[] bytes)
    {
        var mutated = new List<byte>(bytes);
        for (var changes = 1 + _random.Next(3); changes > 0; changes--)
        {
            var at = _random.Next(mutated.Count + 1);
            switch (_random.Next(5))
            {
                case 0 when at < mutated.Count:
                    mutated[at] = (byte)_random.Next(256);
                    break;
                case 1 when at < mutated.Count:
                    mutated[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 2:
                    mutated.InsertRange(at, Noise(1 + _random.Next(8)));
                    break;
                case 3 when at < mutated.Count:
                    mutated.RemoveRange(at, Math.Min(1 + _random.Next(16), mutated.Count - at));
                    break;
                default:
                    mutated.AddRange(mutated.GetRange(0, Math.Min(at, 64)));
                    break;
            }
        }

        return [.. mutated];
    }

    private string Text() => _random.Next(5) == 0 ? new string((char)_random.Next(1, 0x700), _random.Next(LongestText)) : Texts[_random.Next(Texts.Length)];

    private double Number() => Coin() ? Numbers[_random.Next(Numbers.Length)] : _random.NextDouble() * 100;

    private bool Coin() => _random.Next(2) == 0;

    private byte[] Noise(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }
}
