using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Grpc.Core;

namespace Beacon.Topology.Grpc;

/// <summary>
/// What this replica tells those who watch one stripe's tree. It reads the tree from the owner once and asks it now and then for changes,
/// however many watch here, and wherever the owner is. It asks, and the owner does not push, because so the owner has no list of readers to
/// keep, to expire and to hand over, and no call waits inside of a grain that is to move. A new owner's tree is told as what it changed.
/// </summary>
internal sealed class TreeFeed(string streamId, int stripe, StreamCalls streams, TopologyOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>An owner that cannot be reached is asked again so often, a second apart: longer than it takes to replace one.</summary>
    private const int Attempts = 15;

    private readonly Lock _lock = new();
    private readonly TreeMirror _mirror = new();
    private readonly HashSet<Watcher> _watchers = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<WatchTreeResponse>? _snapshot;
    private bool _isOver;

    /// <summary>True while nobody can be served from it any more.</summary>
    public bool IsOver
    {
        get
        {
            lock (_lock)
                return _isOver;
        }
    }

    public void Start() => RunAsync(_stop.Token).Ignore();

    /// <summary>Nobody watches any more.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    /// <summary>Everything that one watcher is told, to the end of the stream.</summary>
    public async IAsyncEnumerable<WatchTreeResponse> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _ready.Task.WaitAsync(cancellationToken);
        var watcher = new Watcher(options.WatchBufferMessages);
        try
        {
            for (var isFirst = true; ; isFirst = false)
            {
                if (!isFirst)
                    yield return new WatchTreeResponse { Resync = new TreeResync() };
                foreach (var part in Join(watcher))
                    yield return part;
                while (!watcher.HasFallenBehind && await watcher.NextAsync(TimeSpan.FromSeconds(options.WatchHeartbeatSeconds), clock, cancellationToken) is var next && next != Next.End)
                {
                    if (next == Next.Silence)
                        yield return new WatchTreeResponse { Heartbeat = new TreeHeartbeat { Version = Version() } };
                    while (!watcher.HasFallenBehind && watcher.Take() is { } message)
                        yield return message;
                }

                if (!watcher.HasFallenBehind)
                    break;
            }
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(watcher);
        }

        yield return new WatchTreeResponse { Ended = new TreeEnded() };
    }

    private ulong Version()
    {
        lock (_lock)
            return (ulong)_mirror.Figures.Version;
    }

    /// <summary>From here on the watcher gets each change; what was before is in the snapshot.</summary>
    private IReadOnlyList<WatchTreeResponse> Join(Watcher watcher)
    {
        lock (_lock)
        {
            watcher.Open();
            if (_isOver)
                watcher.End();
            else
                _watchers.Add(watcher);
            return _snapshot ??= TreeMessages.Snapshot(_mirror.Figures, _mirror.Peers());
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FollowAsync(cancellationToken);
            End(error: null);
        }
        catch (Exception exception)
        {
            End(exception);
        }
    }

    /// <summary>Returns when the stream is over.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await ReadAsync(cancellationToken) is not { } cursor)
                return;
            _ready.TrySetResult();
            while (true)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(options.WatchPollMs), clock, cancellationToken);
                var news = await AskAsync(grain => grain.Changes(stripe, cursor), cancellationToken);
                if (news is null)
                    return;
                cursor = news.Cursor;
                if (news.Batches is not { } batches)
                    break;
                foreach (var batch in batches)
                    Tell(() => _mirror.Apply(batch));
            }
        }
    }

    /// <summary>The tree, part by part; what changed meanwhile comes after the first part's cursor.</summary>
    private async Task<TreeCursor?> ReadAsync(CancellationToken cancellationToken)
    {
        var places = new Dictionary<string, PlaceView>(StringComparer.Ordinal);
        TreeSlice? first = null;
        for (var from = 0; ;)
        {
            var slice = await AskAsync(grain => grain.ReadTree(stripe, from), cancellationToken);
            if (slice is null)
                return null;
            // The owner has changed on the way: its parts do not fit those of the former one.
            if (first is not null && slice.Cursor.Epoch != first.Cursor.Epoch)
            {
                places.Clear();
                first = null;
                from = 0;
                continue;
            }

            first ??= slice;
            foreach (var place in slice.Peers)
                places[place.PeerId] = place;
            from = slice.Next;
            if (from > 0)
                continue;
            Tell(() => _mirror.Replace(slice.Figures, places.Values));
            return first.Cursor;
        }
    }

    /// <summary>Asks until there is an answer; null = the stream is over.</summary>
    private async Task<T?> AskAsync<T>(Func<IStreamGrain, Task<Reply<T>>> call, CancellationToken cancellationToken) where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Fault fault;
            try
            {
                var reply = await streams.TryAsync(streamId, call);
                if (reply.Refusal == Refusal.None)
                    return reply.Value;
                if (reply.Refusal == Refusal.UnknownStream && _ready.Task.IsCompleted)
                    return null;
                fault = StreamCalls.Error(reply.Refusal);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
            {
                fault = CommonErrors.ServiceUnavailable;
            }

            if (!fault.Retryable || attempt == Attempts)
                throw fault.Exception();
            await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
        }
    }

    private void Tell(Func<List<TreeChange>> apply)
    {
        lock (_lock)
        {
            var changes = apply();
            if (changes.Count == 0)
                return;
            _snapshot = null;
            foreach (var message in TreeMessages.Changes(_mirror.Figures, changes))
                _watchers.RemoveWhere(watcher => !watcher.TryTell(message));
        }
    }

    private void End(Exception? error)
    {
        lock (_lock)
        {
            _isOver = true;
            foreach (var watcher in _watchers)
                watcher.End(error);
            _watchers.Clear();
        }

        if (error is null)
            _ready.TrySetResult();
        else
            _ready.TrySetException(error);
    }

    private enum Next
    {
        Message,
        Silence,
        End,
    }

    /// <summary>Messages under way to one watcher.</summary>
    private sealed class Watcher(int capacity)
    {
        private Channel<WatchTreeResponse> _messages = null!;
        private Task<bool>? _more;
        private volatile bool _hasFallenBehind;

        public bool HasFallenBehind => _hasFallenBehind;

        public void Open()
        {
            _messages = Channel.CreateBounded<WatchTreeResponse>(capacity);
            _more = null;
            _hasFallenBehind = false;
        }

        /// <summary>False when there is no room: it gets no more until it has joined again.</summary>
        public bool TryTell(WatchTreeResponse message)
        {
            if (_messages.Writer.TryWrite(message))
                return true;
            _hasFallenBehind = true;
            _messages.Writer.Complete();
            return false;
        }

        public void End(Exception? error = null) => _messages.Writer.TryComplete(error);

        public WatchTreeResponse? Take() => _messages.Reader.TryRead(out var message) ? message : null;

        public async Task<Next> NextAsync(TimeSpan patience, TimeProvider clock, CancellationToken cancellationToken)
        {
            var more = _more ??= _messages.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
            try
            {
                var has = await more.WaitAsync(patience, clock, cancellationToken);
                _more = null;
                return has ? Next.Message : Next.End;
            }
            catch (TimeoutException)
            {
                return Next.Silence;
            }
        }
    }
}
