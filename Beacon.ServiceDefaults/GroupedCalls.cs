namespace Beacon.ServiceDefaults;

/// <summary>
/// Sends requests that come while a call is under way together in the next one: a lone request goes at once, a crowd shares the price
/// of a call. Answers come in the order of the requests.
/// </summary>
/// <param name="maxBatch">What the other side takes in one call.</param>
/// <param name="maxUnderWay">
/// Calls at a time. A further one goes when as many requests wait as others have taken along, so that a slow call does not hold up a crowd,
/// and the crowd does not go in many small calls. What it answers may come before the answers to what was asked earlier.
/// </param>
/// <param name="call">Answers as many requests as it is given, in their order; what it throws, each of them is given.</param>
public sealed class GroupedCalls<TRequest, TAnswer>(int maxBatch, int maxUnderWay, Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> call)
{
    private readonly Lock _gate = new();
    private readonly Queue<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> _waiting = [];
    private int _underWay;

    /// <summary>Requests in the calls under way.</summary>
    private int _riding;

    /// <summary>The answer to a request, of the call that took it along.</summary>
    public Task<TAnswer> AskAsync(TRequest request)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Enqueue((request, answer));
            if (_underWay > 0 && (_underWay == maxUnderWay || _riding == 0 || _waiting.Count < _riding))
                return answer.Task;
            _underWay++;
        }

        Traces.Detach(RunAsync);
        return answer.Task;
    }

    private async Task RunAsync()
    {
        // What is being received at this moment comes along.
        await Task.Yield();
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                var answers = await call([.. batch.Select(one => one.Request)]);
                for (var index = 0; index < batch.Count; index++)
                    batch[index].Answer.SetResult(answers[index]);
            }
            catch (Exception exception)
            {
                // To each caller its own failure: they decide what becomes of it.
                foreach (var (_, answer) in batch)
                    answer.TrySetException(exception);
            }

            lock (_gate)
                _riding -= batch.Count;
        }
    }

    private List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> Take()
    {
        lock (_gate)
        {
            List<(TRequest, TaskCompletionSource<TAnswer>)> batch = new(Math.Min(_waiting.Count, maxBatch));
            while (batch.Count < maxBatch && _waiting.TryDequeue(out var one))
                batch.Add(one);
            if (batch.Count == 0)
                _underWay--;
            _riding += batch.Count;
            return batch;
        }
    }
}
