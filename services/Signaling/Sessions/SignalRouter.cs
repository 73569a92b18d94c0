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
    public async ValueTask<bool> RouteAsync(string edgeId, string toPeerId, Signal signal)
    {
        if (edgeId == edge.Id)
            return Deliver(toPeerId, signal);
        var routed = new RoutedSignal(toPeerId, signal);
        return await redis.GetSubscriber().PublishAsync(ChannelOf(edgeId), routed.Encode()) > 0;
    }

    private void Deliver(byte[] message)
    {
        var routed = RoutedSignal.Decode(message);
        Deliver(routed.ToPeerId, routed.Signal);
    }

    private bool Deliver(string toPeerId, Signal signal)
    {
        if (edge.SeatOf(toPeerId) is not { } seat || seat.StreamId != signal.StreamId)
            return false;
        seat.Session.Send(new ServerFrame { Signal = signal });
        return true;
    }

    private static RedisChannel ChannelOf(string edgeId) => RedisChannel.Literal($"beacon:edge:{edgeId}");

    /// <summary>One signal on the way to another replica: the length of the peer id, the peer id, the frame.</summary>
    private sealed record RoutedSignal(string ToPeerId, Signal Signal)
    {
        public byte[] Encode()
        {
            var message = new byte[1 + ToPeerId.Length + Signal.CalculateSize()];
            message[0] = checked((byte)ToPeerId.Length);
            System.Text.Encoding.ASCII.GetBytes(ToPeerId, message.AsSpan(1));
            Signal.WriteTo(message.AsSpan(1 + ToPeerId.Length));
            return message;
        }

        public static RoutedSignal Decode(ReadOnlySpan<byte> message) =>
            new(System.Text.Encoding.ASCII.GetString(message.Slice(1, message[0])), Signal.Parser.ParseFrom(message[(1 + message[0])..]));
    }
}
