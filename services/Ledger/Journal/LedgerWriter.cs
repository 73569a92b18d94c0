using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The only one who changes the ledger. Requests wait in a queue; those that arrive while a transaction is in flight are
/// decided together in memory, in order, and committed in the next (group commit). A request is answered after its commit,
/// so acknowledged means durable. When a commit fails, what is in memory is thrown away and loaded again from the database,
/// which alone knows whether the transaction stands.
/// </summary>
internal sealed class LedgerWriter(
    ILedgerDatabase database,
    IDbContextFactory<LedgerDb> databases,
    IOptions<LedgerOptions> options,
    LedgerMetrics metrics,
    TimeProvider clock,
    ILogger<LedgerWriter> log) : IHostedService, IDisposable
{
    /// <summary>Answers that are worth a thread.</summary>
    private const int LeastAnswers = 32;

    private readonly RequestQueue _queue = new(options.Value.QueueCapacity);

    private readonly Channel<bool> _outboxSignal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private IDisposable? _held;
    private LedgerStore? _store;
    private LedgerState? _state;
    private volatile string? _trouble = "not started";
    private volatile bool _standsBy;
    private bool _started;

    /// <summary>Readable after a commit that made events.</summary>
    public ChannelReader<bool> OutboxSignal => _outboxSignal.Reader;

    /// <summary>Which trace each of the latest transfers belongs to.</summary>
    public PaymentTraces Traces { get; } = new();

    /// <summary>Null while the writer takes requests and its last commit succeeded.</summary>
    public string? Trouble => _stopped.Task.IsCompleted ? _trouble ?? "stopped" : _trouble;

    /// <summary>True while another instance writes to the same database: every request is refused.</summary>
    public bool StandsBy => _standsBy;

    /// <summary>Called, on the writer's thread, when another instance has the turn that this one had.</summary>
    public Action? TurnLost { get; set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _held = await database.StartAsync(databases, cancellationToken);
        try
        {
            Reload();
            _trouble = null;
        }
        catch (Exception exception) when (exception is StandbyException && database.HasStandbys)
        {
            // The first request that finds the other one gone takes over.
            (_standsBy, _trouble) = (true, exception.Message);
        }

        _started = true;
        // A thread of its own: it sleeps in the disk, and a thread of the pool that sleeps is one less for everybody's calls.
        new Thread(Run) { Name = "ledger writer", IsBackground = true }.Start();
        Log.WriterStarted(log, database.Name);
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
        _held?.Dispose();
        _held = null;
    }

    /// <summary>Runs a decision when its turn comes and returns what it came to, once that is durable.</summary>
    /// <param name="decide">Must not wait, and must not throw for what a caller can cause.</param>
    /// <param name="waitForRoom">True for facts that nobody would repeat: wait while the queue is full instead of refusing.</param>
    /// <param name="batchId">The id of a batch that it will look for, so that a group's can be looked up at once; only a hint.</param>
    public ValueTask<T> ExecuteAsync<T>(Func<LedgerState, T> decide, bool waitForRoom, CancellationToken cancellationToken, Guid batchId = default)
    {
        var request = Request<T>.For(decide, batchId);
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
            if (_store!.LooksAhead)
                _store.Expect([.. group.Select(request => request.BatchId).Where(id => id != default && !state.IsNew(id)).Distinct()]);
            foreach (var request in group)
                Decide(request, state);
            if (!state.Changes.IsEmpty)
                Commit(state.Changes, group.Count);
            else
                _store.End();
            _standsBy = false;
            _trouble = null;
        }
#pragma warning disable CA1031 // Whatever it was, nobody may be told that money moved; the database is asked what stands.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _state = null;
            if (exception is StandbyException)
            {
                Standby(group.Count, exception.Message);
            }
            else
            {
                metrics.CommitFailed();
                Log.CommitFailed(log, group.Count, exception);
            }

            _trouble = exception.Message;
            ThreadPool.UnsafeQueueUserWorkItem(static failed => Fail(failed.group, failed.fault), (group, fault: LedgerErrors.Of(exception)), preferLocal: false);
            return;
        }

        // Elsewhere, so that the next group is decided meanwhile; and one after the other, since what a caller does with its
        // answer is short, and waits for nothing.
        var share = Math.Max(LeastAnswers, (group.Count + Environment.ProcessorCount - 1) / Environment.ProcessorCount);
        _queue.Answering(group.Count);
        for (var from = 0; from < group.Count; from += share)
            ThreadPool.UnsafeQueueUserWorkItem(Complete, (group, from, Math.Min(from + share, group.Count)), preferLocal: false);
    }

    private void Decide(Request request, LedgerState state)
    {
        var before = state.Changes.Batches.Count;
        request.Decide(state);
        if (request.Traceparent is not { } traceparent)
            return;
        // None where money is only held.
        var booked = state.Changes.Batches.Skip(before).SelectMany(batch => batch.Posted.Transfers).ToList();
        if (booked.Count > 0)
            Traces.Note(booked[0].Sequence, booked[^1].Sequence, traceparent);
    }

    // Once, when it begins to stand by: a crowd of refused requests is no crowd of news.
    private void Standby(int requests, string reason)
    {
        if (_standsBy)
            return;
        _standsBy = true;
        Log.StandingBy(log, requests, reason);
        TurnLost?.Invoke();
    }

    private void Complete((List<Request> Group, int From, int To) share)
    {
        for (var i = share.From; i < share.To; i++)
            share.Group[i].Complete();
        _queue.Answered(share.To - share.From);
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
        _store = database.OpenStore(options.Value);
        _state = LedgerState.Load(_store, options.Value);
        _store.End();
        return _state;
    }
}
