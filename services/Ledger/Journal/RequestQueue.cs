namespace Beacon.Ledger.Journal;

/// <summary>
/// Where requests wait for the writer. Bounded: what finds it full is refused, or waits for room. The writer takes all that
/// wait at once and sleeps while nobody does. Who is being answered may come again at once: few requests wait for those callers
/// for a moment, or the group would go without them and they would wait for a whole one.
/// </summary>
internal sealed class RequestQueue(int capacity)
{
    /// <summary>So many are a group, whoever else may come.</summary>
    private const int Enough = 64;

    /// <summary>How long callers that are being answered are waited for at most, in milliseconds.</summary>
    private const int PatienceMs = 1;

    private readonly object _gate = new();
    private readonly Queue<Request> _waiting = new();
    private TaskCompletionSource? _room;
    private int _answering;
    private bool _sleeping;
    private bool _closed;

    public enum Answer
    {
        Taken = 0,
        Full = 1,
        Closed = 2,
    }

    public Answer TryAdd(Request request)
    {
        lock (_gate)
        {
            if (_closed)
                return Answer.Closed;
            if (_waiting.Count >= capacity)
                return Answer.Full;
            _waiting.Enqueue(request);
            if (_sleeping && MayBegin)
                Monitor.Pulse(_gate);
            return Answer.Taken;
        }
    }

    /// <summary>Adds the request when there is room; false when the queue was closed.</summary>
    public async Task<bool> AddAsync(Request request, CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (TryAdd(request))
            {
                case Answer.Taken:
                    return true;
                case Answer.Closed:
                    return false;
                default:
                    await RoomAsync().WaitAsync(cancellationToken);
                    break;
            }
        }
    }

    /// <summary>Moves up to <paramref name="most"/> requests into the group, sleeping until there is one; false when there will be no more.</summary>
    public bool Take(List<Request> group, int most)
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            var isPatient = true;
            while (!MayBegin && (isPatient || _waiting.Count == 0))
            {
                if (_closed && _waiting.Count == 0)
                    return false;
                _sleeping = true;
                isPatient = Monitor.Wait(_gate, _answering == 0 ? Timeout.Infinite : PatienceMs);
                _sleeping = false;
            }

            while (group.Count < most && _waiting.TryDequeue(out var request))
                group.Add(request);
            (room, _room) = (_room, null);
        }

        room?.TrySetResult();
        return true;
    }

    /// <summary>So many callers are about to be answered: each may come again at once.</summary>
    public void Answering(int callers)
    {
        lock (_gate)
            _answering += callers;
    }

    /// <summary>So many callers were answered.</summary>
    public void Answered(int callers)
    {
        lock (_gate)
        {
            _answering -= callers;
            if (_sleeping && MayBegin)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Nothing more is taken in; what waits is still handed out.</summary>
    public void Close()
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            _closed = true;
            (room, _room) = (_room, null);
            Monitor.Pulse(_gate);
        }

        room?.TrySetResult();
    }

    private bool MayBegin => _waiting.Count > 0 && (_answering == 0 || _closed || _waiting.Count >= Enough);

    private Task RoomAsync()
    {
        lock (_gate)
        {
            if (_closed || _waiting.Count < capacity)
                return Task.CompletedTask;
            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }
}
