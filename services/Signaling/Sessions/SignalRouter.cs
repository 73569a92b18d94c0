using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf;
using StackExchange.Redis;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// Carries a signal to the peer it is for: in this process when the peer is here, else over the Redis channel of the replica
/// that holds it. Signals are many, small and worthless a second later, so they do not go over the bus; those that come while others are
/// on their way go together, and no session waits for it: one whose signal is not heard is told then.
/// </summary>
internal sealed class SignalRouter : BackgroundService
{
    /// <summary>Two MiB of the largest there are.</summary>
    private const int MaxSignalsPerMessage = 128;

    /// <summary>While Redis does not answer; 64 MiB of the largest there are.</summary>
    private const int MaxWaiting = 4_096;

    private readonly Edge _edge;
    private readonly ISubscriber _redis;
    private readonly ILogger<SignalRouter> _log;
    private readonly Channel<RoutedSignal> _leaving =
        Channel.CreateBounded<RoutedSignal>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    public SignalRouter(Edge edge, IConnectionMultiplexer redis, ILogger<SignalRouter> log)
    {
        _edge = edge;
        _redis = redis.GetSubscriber();
        _log = log;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var queue = await _redis.SubscribeAsync(ChannelOf(_edge.Id));
        queue.OnMessage(message => Deliver((byte[])message.Message!));
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _leaving.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
        try
        {
            await _redis.UnsubscribeAsync(ChannelOf(_edge.Id));
        }
        catch (Exception exception) when (exception is RedisException or RedisTimeoutException)
        {
            // Where there is no connection there is no subscription.
        }
    }

    /// <summary>What is wrong, as far as it is known at once.</summary>
    /// <param name="sender">Is told with <paramref name="requestId"/> what turns out later.</param>
    public Fault? Route(Turn turn, Session sender, ulong requestId, string edgeId, string toPeerId, Signal signal)
    {
        if (edgeId == _edge.Id)
            return Deliver(turn, _edge.Id, toPeerId, signal) ? null : SignalingErrors.NeighbourGone;
        return _leaving.Writer.TryWrite(new RoutedSignal(sender, requestId, edgeId, toPeerId, signal)) ? null : CommonErrors.ServiceUnavailable;
    }

    /// <summary>Ends when the last signal is sent.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var some = new List<RoutedSignal>(MaxSignalsPerMessage);
        while (await _leaving.Reader.WaitToReadAsync(CancellationToken.None))
        {
            // What is being received at this moment comes along.
            await Task.Yield();
            while (some.Count < MaxSignalsPerMessage && _leaving.Reader.TryRead(out var signal))
                some.Add(signal);
            await Task.WhenAll(some.GroupBy(signal => signal.EdgeId, StringComparer.Ordinal).Select(edge => PublishAsync(edge.Key, [.. edge])));
            some.Clear();
        }
    }

    private async Task PublishAsync(string edgeId, RoutedSignal[] signals)
    {
        Fault? fault = null;
        try
        {
            if (await _redis.PublishAsync(ChannelOf(edgeId), SignalMessage.Write(_edge.Id, signals)) == 0)
                fault = SignalingErrors.NeighbourGone;
        }
        catch (Exception exception) when (exception is RedisException or RedisTimeoutException)
        {
            Log.SignalsNotSent(_log, signals.Length, edgeId, exception);
            fault = CommonErrors.ServiceUnavailable;
        }

        if (fault is null)
            return;
        foreach (var signal in signals)
            signal.Sender.SendError(fault, signal.RequestId);
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

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct RoutedSignal(Session Sender, ulong RequestId, string EdgeId, string ToPeerId, Signal Signal);

    /// <summary>
    /// What goes from one replica to another: the sender's id, then each signal as the id of its peer, the length of the frame (32 bits, the
    /// highest byte first) and the frame. Ids are of at most 255 bytes, each after its length.
    /// </summary>
    private static class SignalMessage
    {
        public static byte[] Write(string fromEdgeId, RoutedSignal[] signals)
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
