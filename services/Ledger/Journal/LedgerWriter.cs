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
    private readonly RequestQueue _queue = new(options.Value.QueueCapacity);

    private readonly Channel<bool> _outboxSignal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WriterLock? _lock;
    private LedgerStore? _store;
    private LedgerState? _state;
    private volatile string? _trouble = "not started";
    private bool _started;

    /// <summary>Readable after a commit that made events.</summary>
    public ChannelReader<bool> OutboxSignal => _outboxSignal.Reader;

    /// <summary>Null while the writer takes requests and its last commit succeeded.</summary>
    public string? Trouble => _stopped.Task.IsCompleted ? _trouble ?? "stopped" : _trouble;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _lock = WriterLock.Take(file.Path);
        await using (var database = await databases.CreateDbContextAsync(cancellationToken))
            await database.Database.MigrateAsync(cancellationToken);
        Reload();
        _trouble = null;
        _started = true;
        // A thread of its own: it sleeps in the disk, and a thread of the pool that sleeps is one less for everybody's calls.
        new Thread(Run) { Name = "ledger writer", IsBackground = true }.Start();
        Log.WriterStarted(log, file.Path);
    }

    /// <summary>Takes no more requests, and commits those that wait.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Close();
        if (_started)
            await _stopped.Task.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _queue.Close();
        if (_started && !_stopped.Task.IsCompleted)
            return;
        _store?.Dispose();
        _store = null;
        _lock?.Dispose();
        _lock = null;
    }

    /// <summary>Runs a decision when its turn comes and returns what it came to, once that is durable.</summary>
    /// <param name="decide">Must not wait, and must not throw for what a caller can cause.</param>
    /// <param name="waitForRoom">True for facts that nobody would repeat: wait while the queue is full instead of refusing.</param>
    public ValueTask<T> ExecuteAsync<T>(Func<LedgerState, T> decide, bool waitForRoom, CancellationToken cancellationToken)
    {
        var request = Request<T>.For(decide);
        // Before the queue has it: an answer may come at once, and the object belong to another.
        var answer = request.AnswerAsync(cancellationToken);
        switch (_queue.TryAdd(request))
        {
            case RequestQueue.Answer.Taken:
                return answer;
            case RequestQueue.Answer.Full when waitForRoom:
                return WhenThereIsRoomAsync(request, answer, cancellationToken);
            case RequestQueue.Answer.Full:
                request.Fail(LedgerErrors.LedgerBusy.Exception());
                return answer;
            default:
                request.Fail(LedgerErrors.LedgerUnavailable.Exception());
                return answer;
        }
    }

    private async ValueTask<T> WhenThereIsRoomAsync<T>(Request<T> request, ValueTask<T> answer, CancellationToken cancellationToken)
    {
        try
        {
            if (!await _queue.AddAsync(request, cancellationToken))
                request.Fail(LedgerErrors.LedgerUnavailable.Exception());
        }
        catch (OperationCanceledException exception)
        {
            request.Fail(exception);
        }

        return await answer;
    }

    private void Run()
    {
        var group = new List<Request>();
        while (_queue.Take(group, options.Value.MaxGroupSize))
        {
            Process(group);
            group = [];
        }

        _stopped.TrySetResult();
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
            else
                _store!.End();
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
            ThreadPool.UnsafeQueueUserWorkItem(static failed => Fail(failed.group, failed.fault), (group, fault: LedgerErrors.Of(exception)), preferLocal: false);
            return;
        }

        // Elsewhere, so that the next group is decided meanwhile.
        ThreadPool.UnsafeQueueUserWorkItem(Complete, group, preferLocal: false);
    }

    private static void Complete(List<Request> group)
    {
        foreach (var request in group)
            request.Complete();
    }

    private static void Fail(List<Request> group, Beacon.ServiceDefaults.Fault fault)
    {
        foreach (var request in group)
            request.Fail(fault.Exception());
    }

    private void Commit(Changes changes, int requests)
    {
        var started = clock.GetTimestamp();
        _store!.Commit(changes, _state!.NowMs, options.Value.RefusedWorkKept);
        metrics.Committed(changes, requests, clock.GetElapsedTime(started));
        if (changes.Batches.Count > 0 || changes.Outbox.Count > 0)
            _outboxSignal.Writer.TryWrite(true);
    }

    private LedgerState Reload()
    {
        _store?.Dispose();
        _store = null;
        _store = new LedgerStore(file.ConnectionString, options.Value);
        _state = LedgerState.Load(_store, options.Value);
        _store.End();
        return _state;
    }
}
