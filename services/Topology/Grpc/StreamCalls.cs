using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;

namespace Beacon.Topology.Grpc;

/// <summary>Calls the owner of a stream and turns its refusals into documented errors.</summary>
internal sealed class StreamCalls(IGrainFactory grains, CommandQueue commands)
{
    /// <summary>An owner that was just replaced is found again on the second attempt.</summary>
    private const int Attempts = 2;

    public async Task<T> CallAsync<T>(string streamId, Func<IStreamGrain, Task<Reply<T>>> call)
    {
        var reply = await TryAsync(streamId, call);
        return reply.Refusal == Refusal.None ? reply.Value! : throw Error(reply.Refusal).Exception();
    }

    public async Task CallAsync(string streamId, Func<IStreamGrain, Task<Refusal>> call)
    {
        var reply = await TryAsync<bool>(streamId, async grain => await call(grain));
        if (reply.Refusal != Refusal.None)
            throw Error(reply.Refusal).Exception();
    }

    /// <summary>Joins go to the owner together with what else this replica has for it.</summary>
    public async Task<Streams.StreamInfo> JoinAsync(string streamId, JoinCommand command)
    {
        var reply = await TryJoinAsync(streamId, command);
        return reply.Refusal == Refusal.None ? reply.Value! : throw Error(reply.Refusal).Exception();
    }

    public Task<Reply<Streams.StreamInfo>> TryJoinAsync(string streamId, JoinCommand command, string traceparent = "") =>
        TryExecuteAsync(streamId, new StreamCommand(command, Leave: null, Trace(traceparent)));

    public async Task<Refusal> TryLeaveAsync(string streamId, LeaveCommand command, string traceparent = "") =>
        (await TryExecuteAsync(streamId, new StreamCommand(Join: null, command, Trace(traceparent)))).Refusal;

    public Task<Reply<T>> TryAsync<T>(string streamId, Func<IStreamGrain, Task<Reply<T>>> call) =>
        TryAsync(() => call(grains.GetGrain<IStreamGrain>(streamId)));

    private static string? Trace(string traceparent) => traceparent.Length == 0 ? null : traceparent;

    private Task<Reply<Streams.StreamInfo>> TryExecuteAsync(string streamId, StreamCommand command) =>
        TryAsync(() => commands.ExecuteAsync(streamId, command));

    private static async Task<Reply<T>> TryAsync<T>(Func<Task<Reply<T>>> call)
    {
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var reply = await call();
                if (reply.Refusal != Refusal.OwnerChanged || attempt == Attempts)
                    return reply;
            }
        }
        catch (Exception exception) when (exception is RedisException or RedisTimeoutException or OrleansException or TimeoutException)
        {
            throw CommonErrors.ServiceUnavailable.Exception("The owner of the stream, or its record, cannot be reached. Try again.");
        }
    }

    public static LiveStream ToMessage(Streams.StreamInfo stream) => new()
    {
        StreamId = stream.StreamId,
        Channel = stream.Channel,
        Title = stream.Title,
        BroadcasterAccountId = stream.BroadcasterAccountId,
        StartedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.FromUnixTimeMilliseconds(stream.StartedAtMs)),
        Viewers = (uint)stream.Viewers,
        SpareSlots = (uint)stream.SpareSlots,
        BitrateKbps = (uint)stream.BitrateKbps,
        Stripes = (uint)stream.Stripes,
        BroadcasterConnected = stream.BroadcasterConnected,
        Journaled = stream.IsJournaled,
    };

    public static Fault Error(Refusal refusal) => refusal switch
    {
        Refusal.UnknownPeer => TopologyErrors.UnknownPeer,
        Refusal.StreamFull => TopologyErrors.StreamFull,
        Refusal.TooManyStreams => TopologyErrors.TooManyStreams,
        Refusal.ChannelAlreadyLive => TopologyErrors.ChannelAlreadyLive,
        Refusal.StreamNotYours => TopologyErrors.StreamNotYours,
        Refusal.InvalidPeer => TopologyErrors.InvalidPeer,
        Refusal.InvalidHeir => TopologyErrors.InvalidHeir,
        Refusal.InvalidStripe => TopologyErrors.InvalidStripe,
        Refusal.OwnerChanged => TopologyErrors.OwnerChanged,
        Refusal.JournalAway => TopologyErrors.JournalAway,
        Refusal.TooManyCommands => TopologyErrors.TooManyCommands,
        _ => CommonErrors.UnknownStream,
    };
}
