using System.Runtime.InteropServices;
using System.Threading.Channels;
using Beacon.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>
/// The joins and leaves that this replica has for the owners of streams. What arrives for one stream while calls to its owner are under
/// way goes with the next call: a call between replicas costs as much as hundreds of commands.
/// </summary>
internal sealed class CommandQueue(IGrainFactory grains, IOptions<TopologyOptions> options)
{
    /// <summary>The owner decides the next call's commands while it commits those of the one before.</summary>
    private const int MaxCallsUnderWay = 2;

    /// <summary>Enough that the call does not count, and a turn of the owner stays within milliseconds.</summary>
    private const int MaxCommandsPerCall = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StreamQueue> _queues = new(StringComparer.Ordinal);

    /// <summary>Streams that commands wait for, or are under way to.</summary>
    public int Streams
    {
        get
        {
            lock (_lock)
                return _queues.Count;
        }
    }

    /// <summary>Has the stream's owner execute a command, after those of this replica that came before it.</summary>
    public Task<Reply<StreamInfo>> ExecuteAsync(string streamId, StreamCommand command)
    {
        var waiting = new Waiting(command, new TaskCompletionSource<Reply<StreamInfo>>(TaskCreationOptions.RunContinuationsAsynchronously));
        StreamQueue queue;
        lock (_lock)
        {
            if (!_queues.TryGetValue(streamId, out queue!))
                _queues[streamId] = queue = new StreamQueue(Channel.CreateBounded<Waiting>(options.Value.MaxQueuedCommands));
            if (!queue.Commands.Writer.TryWrite(waiting))
                return Task.FromResult<Reply<StreamInfo>>(Refusal.TooManyCommands);
            if (queue.CallsUnderWay == MaxCallsUnderWay)
                return waiting.Reply.Task;
            queue.CallsUnderWay++;
        }

        StartSending(streamId, queue);
        return waiting.Reply.Task;
    }

    /// <summary>Apart, so that a command which only joins others makes no closure.</summary>
    private void StartSending(string streamId, StreamQueue queue) => Traces.Detach(() => SendAsync(streamId, queue));

    private async Task SendAsync(string streamId, StreamQueue queue)
    {
        var grain = grains.GetGrain<IStreamGrain>(streamId);
        while (Next(streamId, queue) is { } some)
        {
            try
            {
                Answer(some, await grain.Execute([.. some.Select(waiting => waiting.Command)]));
            }
            catch (Exception exception)
            {
                // Whoever waits for an answer gets it: what the call ended in.
                foreach (var waiting in some)
                    waiting.Reply.SetException(exception);
            }
        }
    }

    /// <summary>What goes with the next call; null when nothing waits, and the queue is given up.</summary>
    private List<Waiting>? Next(string streamId, StreamQueue queue)
    {
        lock (_lock)
        {
            var some = new List<Waiting>();
            while (some.Count < MaxCommandsPerCall && queue.Commands.Reader.TryRead(out var waiting))
                some.Add(waiting);
            if (some.Count > 0)
                return some;
            if (--queue.CallsUnderWay == 0)
                _queues.Remove(streamId);
            return null;
        }
    }

    private static void Answer(List<Waiting> some, Reply<CommandReplies> reply)
    {
        // All that succeeded get one and the same answer.
        var done = new Reply<StreamInfo>(Refusal.None, reply.Value?.Stream);
        for (var at = 0; at < some.Count; at++)
        {
            var refusal = reply.Refusal == Refusal.None ? reply.Value!.Refusals[at] : reply.Refusal;
            some[at].Reply.SetResult(refusal == Refusal.None ? done : refusal);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Waiting(StreamCommand Command, TaskCompletionSource<Reply<StreamInfo>> Reply);

    private sealed class StreamQueue(Channel<Waiting> commands)
    {
        public Channel<Waiting> Commands { get; } = commands;

        public int CallsUnderWay { get; set; }
    }
}
