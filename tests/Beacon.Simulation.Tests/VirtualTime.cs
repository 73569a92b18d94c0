using Microsoft.Extensions.Time.Testing;

namespace Beacon.Simulation.Tests;

/// <summary>
/// One thread, one clock, one source of chance: what is run here is a function of the seed. Tasks that begin in it resume in it, in the
/// order in which they became ready; what is to happen later happens at its virtual time.
/// </summary>
internal sealed class VirtualTime(int seed) : TaskScheduler
{
    private readonly Queue<Task> _ready = new();
    private readonly PriorityQueue<Action, (long AtTicks, long Order)> _later = new();
    private long _order;
    private Exception? _failure;

    public Random Random { get; } = new(seed);

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public long NowMs => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(int fromMs, int toMs) => TimeSpan.FromMilliseconds(Random.Next(fromMs, toMs));

    public void After(TimeSpan delay, Action action) => _later.Enqueue(action, ((Clock.GetUtcNow() + delay).Ticks, _order++));

    /// <summary>Begins work whose failure is the simulation's.</summary>
    public void Begin(Func<Task> work) => _ = Task.Factory.StartNew(() => Guard(work), CancellationToken.None, TaskCreationOptions.None, this);

    public void Run(TimeSpan duration)
    {
        var end = Clock.GetUtcNow() + duration;
        while (true)
        {
            while (_ready.TryDequeue(out var task))
                TryExecuteTask(task);
            if (_failure is not null)
                throw new InvalidOperationException($"at {Clock.GetUtcNow():mm:ss.fff}: {_failure.Message}", _failure);
            var isLater = _later.TryPeek(out _, out var next) && next.AtTicks <= end.Ticks;
            var until = isLater ? new DateTimeOffset(next.AtTicks, TimeSpan.Zero) : end;
            if (until > Clock.GetUtcNow())
                Clock.SetUtcNow(until);
            if (isLater)
                _later.Dequeue()();
            else if (_ready.Count == 0)
                return;
        }
    }

    protected override void QueueTask(Task task) => _ready.Enqueue(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _ready;

    private async Task Guard(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            _failure ??= exception;
        }
    }
}
