using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The only one who changes the ledger. Requests wait in a queue; those that arrive while a transaction is in flight are
/// decided together in memory, in order, and committed in the next (group commit). A request is answered after its commit,
/// so acknowledged means durable. When a commit fails, what is in memory is thrown away and loaded again from the file,
/// which alone knows whether the transaction stands.
/// </summary>
internal sealed class LedgerWriter(
    LedgerFile file,
    IDbContextFactory<LedgerDb> databases,
    IOptions<LedgerOptions> options,
    LedgerMetrics metrics,
    TimeProvider clock,
    ILogger<LedgerWriter> log) : IHostedService, IDisposable
{
    private readonly Channel<Request> _queue = Channel.CreateBounded<Request>(
        new BoundedChannelOptions(options.Value.QueueCapacity) { SingleReader = true });

    private readonly Channel<bool> _outboxSignal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private WriterLock? _lock;
    private LedgerStore? _store;
    private LedgerState? _state;
    private Task _loop = Task.CompletedTask;
    private volatile string? _trouble = "not started";

    /// <summary>Readable after a commit that put events into the outbox.</summary>
    public ChannelReader<bool> OutboxSignal => _outboxSignal.Reader;

    /// <summary>Null while the writer takes requests and its last commit succeeded.</summary>
    public string? Trouble => _loop.IsCompleted ? _trouble ?? "stopped" : _trouble;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _lock = WriterLock.Take(file.Path);
        await using (var database = await databases.CreateDbContextAsync(cancellationToken))
            await database.Database.MigrateAsync(cancellationToken);
        Reload();
        _trouble = null;
        _loop = Task.Run(RunAsync, CancellationToken.None);
        Log.WriterStarted(log, file.Path);
    }

    /// <summary>Takes no more requests, and commits those that wait.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await _loop.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        if (!_loop.IsCompleted)
            return;
        _store?.Dispose();
        _store = null;
        _lock?.Dispose();
        _lock = null;
    }

    /// <summary>Runs a decision when its turn comes and returns what it came to, once that is durable.</summary>
    /// <param name="decide">Must not wait, and must not throw for what a caller can cause.</param>
    /// <param name="waitForRoom">True for facts that nobody would repeat: wait while the queue is full instead of refusing.</param>
    public async Task<T> ExecuteAsync<T>(Func<LedgerState, T> decide, bool waitForRoom, CancellationToken cancellationToken)
    {
        var request = new Request<T>(decide);
        try
        {
            if (waitForRoom)
                await _queue.Writer.WriteAsync(request, cancellationToken);
            else if (!_queue.Writer.TryWrite(request))
                throw (_loop.IsCompleted ? LedgerErrors.LedgerUnavailable : LedgerErrors.LedgerBusy).Exception();
        }
        catch (ChannelClosedException)
        {
            throw LedgerErrors.LedgerUnavailable.Exception();
        }

        return await request.Answer.WaitAsync(cancellationToken);
    }

    private async Task RunAsync()
    {
        var group = new List<Request>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (group.Count < options.Value.MaxGroupSize && _queue.Reader.TryRead(out var request))
                group.Add(request);
            Process(group);
            group.Clear();
        }
    }

    private void Process(List<Request> group)
    {
        try
        {
            var state = _state ?? Reload();
            state.Begin(clock.GetUtcNow().ToUnixTimeMilliseconds());
            foreach (var request in group)
                request.Decide(state);
            if (!state.Changes.IsEmpty)
                Commit(state.Changes, group.Count);
            _trouble = null;
        }
#pragma warning disable CA1031 // Whatever it was, nobody may be told that money moved; the file is asked what stands.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _state = null;
            _trouble = exception.Message;
            metrics.CommitFailed();
            Log.CommitFailed(log, group.Count, exception);
            foreach (var request in group)
                request.Fail(LedgerErrors.LedgerUnavailable.Exception());
            return;
        }

        foreach (var request in group)
            request.Complete();
    }

    private void Commit(Changes changes, int requests)
    {
        var started = clock.GetTimestamp();
        _store!.Commit(changes, _state!.NowMs, options.Value.RefusedWorkKept);
        metrics.Committed(changes, requests, clock.GetElapsedTime(started));
        if (changes.Outbox.Count > 0)
            _outboxSignal.Writer.TryWrite(true);
    }

    private LedgerState Reload()
    {
        _store?.Dispose();
        _store = null;
        _store = new LedgerStore(file.ConnectionString);
        return _state = LedgerState.Load(_store, options.Value);
    }

    private abstract class Request
    {
        public abstract void Decide(LedgerState state);

        public abstract void Complete();

        public abstract void Fail(Exception exception);
    }

    private sealed class Request<T>(Func<LedgerState, T> decide) : Request
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _decided;

        public Task<T> Answer => _answer.Task;

        public override void Decide(LedgerState state) => _decided = decide(state);

        public override void Complete() => _answer.TrySetResult(_decided!);

        public override void Fail(Exception exception) => _answer.TrySetException(exception);
    }
}
