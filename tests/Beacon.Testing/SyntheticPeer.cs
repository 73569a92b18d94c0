using System.Security.Cryptography;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Testing;

/// <summary>
/// A peer that speaks the protocol of /ws without media: it counts made-up bytes and answers challenges as a real one
/// would, from chunks that everybody in the test can derive from their sequence number.
/// </summary>
public sealed class SyntheticPeer : IAsyncDisposable
{
    private SyntheticPeer(FrameSocket socket, string streamId, string peerId, string resumeTicket)
    {
        Socket = socket;
        StreamId = streamId;
        PeerId = peerId;
        ResumeTicket = resumeTicket;
    }

    public FrameSocket Socket { get; }

    public string StreamId { get; }

    public string PeerId { get; }

    public string ResumeTicket { get; }

    public static async Task<SyntheticPeer> BroadcastAsync(IBeacon server, Guest guest, string title = "A stream", uint bitrateKbps = 800, uint maxChildren = 0, string resumeTicket = "")
    {
        var socket = await FrameSocket.ConnectAsync(server.WebSocket, guest.AccessToken);
        var answer = await socket.AskAsync(new ClientFrame
        {
            GoLive = new GoLive { Title = title, BitrateKbps = bitrateKbps, UplinkMbps = 20, MaxChildren = maxChildren, ResumeTicket = resumeTicket },
        });
        return answer.StreamLive is { } live
            ? new SyntheticPeer(socket, live.StreamId, live.PeerId, live.ResumeTicket)
            : throw new InvalidOperationException($"Not live: {answer}");
    }

    public static async Task<SyntheticPeer> WatchAsync(IBeacon server, Guest guest, string streamId, double uplinkMbps = 5, string resumeTicket = "")
    {
        var socket = await FrameSocket.ConnectAsync(server.WebSocket, guest.AccessToken);
        var answer = await socket.AskAsync(new ClientFrame
        {
            JoinStream = new JoinStream { StreamId = streamId, UplinkMbps = uplinkMbps, LatencyMs = 5, ResumeTicket = resumeTicket },
        });
        return answer.StreamJoined is { } joined
            ? new SyntheticPeer(socket, joined.StreamId, joined.PeerId, joined.ResumeTicket)
            : throw new InvalidOperationException($"Not joined: {answer}");
    }

    public async Task<ParentAssigned> ParentAsync() => (await Socket.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned)).ParentAssigned;

    /// <summary>The digest by which a challenge about a chunk is answered.</summary>
    public static byte[] ChallengeDigest(uint sequence) =>
        SHA256.HashData([.. "beacon.challenge.v1"u8, .. Encoding.ASCII.GetBytes($"chunk {sequence}")]);

    public Task AnnounceAsync(uint sequence) => Socket.SendAsync(new ClientFrame
    {
        ChunkDigests = new ChunkDigests
        {
            StreamId = StreamId,
            Digests = { new ChunkDigest { Sequence = sequence, Digest = ByteString.CopyFrom(ChallengeDigest(sequence)) } },
        },
    });

    public ChallengeAnswer Answer(Challenge challenge) => new()
    {
        Window = challenge.Window,
        Hmac = ByteString.CopyFrom(HMACSHA256.HashData(
            challenge.Nonce.Span, [.. ChallengeDigest(challenge.Sequence), .. Encoding.ASCII.GetBytes(PeerId)])),
    };

    public Task ReportAsync(MetricsReport report)
    {
        report.StreamId = StreamId;
        return Socket.SendAsync(new ClientFrame { MetricsReport = report });
    }

    public ValueTask DisposeAsync() => Socket.DisposeAsync();
}
