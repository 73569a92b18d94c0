using System.Buffers.Binary;
using System.Text;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf;
using StackExchange.Redis;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Carries a signal to the peer it is for: in this process when the peer is here, else over the Redis channel of the replica
/// that holds it. Signals are many, small and worthless a second later, so they do not go over the bus; those that come while others are
/// on their way go together.
/// </summary>
internal sealed class SignalRouter : IHostedService
{
    /// <summary>Two MiB of the largest there are.</summary>
    private const int MaxSignalsPerMessage = 128;

    private readonly Edge _edge;
    private readonly ISubscriber _redis;
    private readonly GroupedCalls<RoutedSignal, bool> _leaving;

    public SignalRouter(Edge edge, IConnectionMultiplexer redis)
    {
        _edge = edge;
        _redis = redis.GetSubscriber();
        _leaving = new(MaxSignalsPerMessage, maxUnderWay: 1, PublishAsync);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var queue = await _redis.SubscribeAsync(ChannelOf(_edge.Id));
        queue.OnMessage(message => Deliver((byte[])message.Message!));
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        _redis.UnsubscribeAsync(ChannelOf(_edge.Id));

    /// <summary>False when the peer is on no replica any more.</summary>
    public ValueTask<bool> RouteAsync(Turn turn, string edgeId, string toPeerId, Signal signal) => edgeId == _edge.Id
        ? ValueTask.FromResult(Deliver(turn, _edge.Id, toPeerId, signal))
        : new ValueTask<bool>(_leaving.AskAsync(new RoutedSignal(edgeId, toPeerId, signal)));

    /// <summary>One message to each replica that is concerned. True for each signal whose replica heard it.</summary>
    private async Task<IReadOnlyList<bool>> PublishAsync(IReadOnlyList<RoutedSignal> signals)
    {
        var heard = await Task.WhenAll(signals.GroupBy(signal => signal.EdgeId, StringComparer.Ordinal).Select(async edge =>
            (edge.Key, IsHeard: await _redis.PublishAsync(ChannelOf(edge.Key), SignalMessage.Write(_edge.Id, edge)) > 0)));
        return [.. signals.Select(signal => heard.First(edge => edge.Key == signal.EdgeId).IsHeard)];
    }

    private void Deliver(byte[] message)
    {
        using var turn = new Turn();
        SignalMessage.Read(message, (fromEdgeId, toPeerId, signal) => Deliver(turn, fromEdgeId, toPeerId, signal));
    }

    private bool Deliver(Turn turn, string fromEdgeId, string toPeerId, Signal signal)
    {
        if (_edge.SeatOf(toPeerId) is not { } seat || seat.StreamId != signal.StreamId)
            return false;
        // The child's edge has seen that the two are neighbours; the parent's may hear of it from the bus only after its answer.
        if (signal.PayloadCase == Signal.PayloadOneofCase.Offer)
            seat.Meet((int)signal.Stripe, signal.PeerId, fromEdgeId);
        turn.Send(seat.Session, new ServerFrame { Signal = signal });
        return true;
    }

    private static RedisChannel ChannelOf(string edgeId) => RedisChannel.Literal($"beacon:edge:{edgeId}");

    private readonly record struct RoutedSignal(string EdgeId, string ToPeerId, Signal Signal);

    /// <summary>
    /// What goes from one replica to another: the sender's id, then each signal as the id of its peer, the length of the frame (32 bits, the
    /// highest byte first) and the frame. Ids are of at most 255 bytes, each after its length.
    /// </summary>
    private static class SignalMessage
    {
        public static byte[] Write(string fromEdgeId, IEnumerable<RoutedSignal> signals)
        {
            var sized = signals.Select(signal => (signal.ToPeerId, signal.Signal, Size: signal.Signal.CalculateSize())).ToList();
            var message = new byte[1 + fromEdgeId.Length + sized.Sum(one => 1 + one.ToPeerId.Length + sizeof(int) + one.Size)];
            var rest = Write(message, fromEdgeId);
            foreach (var (toPeerId, signal, size) in sized)
            {
                rest = Write(rest, toPeerId);
                BinaryPrimitives.WriteInt32BigEndian(rest, size);
                signal.WriteTo(rest.Slice(sizeof(int), size));
                rest = rest[(sizeof(int) + size)..];
            }

            return message;
        }

        public static void Read(ReadOnlySpan<byte> message, Action<string, string, Signal> take)
        {
            for (var rest = Read(message, out var fromEdgeId); rest.Length > 0;)
            {
                rest = Read(rest, out var toPeerId);
                var size = BinaryPrimitives.ReadInt32BigEndian(rest);
                take(fromEdgeId, toPeerId, Signal.Parser.ParseFrom(rest.Slice(sizeof(int), size)));
                rest = rest[(sizeof(int) + size)..];
            }
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
