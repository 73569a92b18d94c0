using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Microsoft.Extensions.ObjectPool;

namespace Beacon.Ledger.Journal;

/// <summary>A decision on its way through the writer.</summary>
internal abstract class Request
{
    /// <summary>The id that the decision will look for; empty when it has none, or more than one.</summary>
    public Guid BatchId { get; protected set; }

    /// <summary>The trace of the caller, where traces are recorded; null = none.</summary>
    public string? Traceparent { get; protected set; }

    public abstract void Decide(LedgerState state);

    /// <summary>Tells the caller what the decision came to.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception exception);
}

/// <summary>
/// The usual request. Used again when both the caller and the writer are done with it: ten thousand a second would
/// otherwise be as many objects that live just long enough to be expensive.
/// </summary>
internal sealed class Request<T> : Request, IValueTaskSource<T>
{
    private static readonly ObjectPool<Request<T>> Pool = new DefaultObjectPool<Request<T>>(new DefaultPooledObjectPolicy<Request<T>>(), 8_192);

    // The caller goes on where it is answered: the writer's thread answers nobody.
    private ManualResetValueTaskSourceCore<T> _answer;
    private Func<LedgerState, T>? _decide;
    private T? _decided;
    private CancellationTokenRegistration _cancellation;
    private int _answered;
    private int _holders;

    public static Request<T> For(Func<LedgerState, T> decide, Guid batchId)
    {
        var request = Pool.Get();
        request._decide = decide;
        request.BatchId = batchId;
        request.Traceparent = Activity.Current is { Recorded: true } current ? current.Id : null;
        request._holders = 2;
        return request;
    }

    /// <summary>The answer; to be awaited once.</summary>
    public ValueTask<T> AnswerAsync(CancellationToken cancellationToken)
    {
        // A caller that leaves is told so at once; what it asked for is decided all the same.
        _cancellation = cancellationToken.UnsafeRegister(static (request, token) => ((Request<T>)request!).TryAnswer(new OperationCanceledException(token)), this);
        return new ValueTask<T>(this, _answer.Version);
    }

    public override void Decide(LedgerState state) => _decided = _decide!(state);

    public override void Complete()
    {
        if (Interlocked.Exchange(ref _answered, 1) == 0)
            _answer.SetResult(_decided!);
        Release();
    }

    public override void Fail(Exception exception)
    {
        TryAnswer(exception);
        Release();
    }

    public T GetResult(short token)
    {
        try
        {
            return _answer.GetResult(token);
        }
        finally
        {
            // Waits for a cancellation that runs just now: later it would hit whoever has the object then.
            _cancellation.Dispose();
            Release();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _answer.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _answer.OnCompleted(continuation, state, token, flags);

    private void TryAnswer(Exception exception)
    {
        if (Interlocked.Exchange(ref _answered, 1) == 0)
            _answer.SetException(exception);
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) > 0)
            return;
        _answer.Reset();
        _decide = null;
        _decided = default;
        _cancellation = default;
        _answered = 0;
        Pool.Return(this);
    }
}
