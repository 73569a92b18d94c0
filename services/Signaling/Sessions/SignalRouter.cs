using System.Text;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;
using StackExchange.Redis;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Carries a signal to the peer it is for: in this process when the peer is here, else over the Redis channel of the replica
/// that holds it. Signals are many, small and worthless a second later, so they do not go over the bus.
/// </summary>
internal sealed class SignalRouter(Edge edge, IConnectionMultiplexer redis) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var queue = await redis.GetSubscriber().SubscribeAsync(ChannelOf(edge.Id));
        queue.OnMessage(message => Deliver((byte[])message.Message!));
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(ChannelOf(edge.Id));

    /// <summary>False when the peer is on no replica any more.</summary>
    public async ValueTask<bool> RouteAsync(Turn turn, string edgeId, string toPeerId, Signal signal)
    {
        if (edgeId == edge.Id)
            return Deliver(turn, edge.Id, toPeerId, signal);
        var routed = new RoutedSignal(edge.Id, toPeerId, signal);
        return await redis.GetSubscriber().PublishAsync(ChannelOf(edgeId), routed.Encode()) > 0;
    }

    private void Deliver(byte[] message)
    {
        var routed = RoutedSignal.Decode(message);
        using var turn = new Turn();
        Deliver(turn, routed.FromEdgeId, routed.ToPeerId, routed.Signal);
    }

    private bool Deliver(Turn turn, string fromEdgeId, string toPeerId, Signal signal)
    {
        if (edge.SeatOf(toPeerId) is not { } seat || seat.StreamId != signal.StreamId)
            return false;
        // The child's edge has seen that the two are neighbours; the parent's may hear of it from the bus only after its answer.
        if (signal.PayloadCase == Signal.PayloadOneofCase.Offer)
            seat.Meet((int)signal.Stripe, signal.PeerId, fromEdgeId);
        turn.Send(seat.Session, new ServerFrame { Signal = signal });
        return true;
    }

    private static RedisChannel ChannelOf(string edgeId) => RedisChannel.Literal($"beacon:edge:{edgeId}");

    /// <summary>One signal on the way to another replica: two texts of at most 255 bytes, each after its length, then the frame.</summary>
    private sealed record RoutedSignal(string FromEdgeId, string ToPeerId, Signal Signal)
    {
        public byte[] Encode()
        {
            var message = new byte[2 + FromEdgeId.Length + ToPeerId.Length + Signal.CalculateSize()];
            var rest = Write(Write(message, FromEdgeId), ToPeerId);
            Signal.WriteTo(rest);
            return message;
        }

        public static RoutedSignal Decode(ReadOnlySpan<byte> message)
        {
            var rest = Read(Read(message, out var fromEdgeId), out var toPeerId);
            return new RoutedSignal(fromEdgeId, toPeerId, Signal.Parser.ParseFrom(rest));
        }

        private static Span<byte> Write(Span<byte> to, string text)
        {
            to[0] = checked((byte)text.Length);
            Encoding.ASCII.GetBytes(text, to[1..]);
            return to[(1 + text.Length)..];
        }

        private static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> from, out string text)
        {
            text = Encoding.ASCII.GetString(from.Slice(1, from[0]));
            return from[(1 + from[0])..];
        }
    }
}
