using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Tests;

public sealed class GroupedCallsTests
{
    private readonly List<IReadOnlyList<int>> _calls = [];
    private readonly Queue<TaskCompletionSource> _gates = [];
    private TaskCompletionSource _called = new();

    private GroupedCalls<int, string> Calls(int maxBatch) => new(maxBatch, maxUnderWay: 1, async batch =>
    {
        _calls.Add(batch);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gates.Enqueue(gate);
        _called.SetResult();
        await gate.Task;
        return [.. batch.Select(number => $"answer {number}")];
    });

    [Fact]
    public async Task What_comes_while_a_call_is_under_way_goes_together_and_each_gets_its_answer()
    {
        var calls = Calls(maxBatch: 3);
        var first = calls.AskAsync(0);
        await Called();
        var others = Enumerable.Range(1, 4).Select(calls.AskAsync).ToList();

        Finish();
        await Called();
        Finish();
        await Called();
        Finish();

        Assert.Equal("answer 0", await first);
        Assert.Equal(["answer 1", "answer 2", "answer 3", "answer 4"], await Task.WhenAll(others));
        Assert.Equal([[0], [1, 2, 3], [4]], _calls);
    }

    [Fact]
    public async Task A_call_that_fails_fails_for_those_in_it_and_the_next_goes_on()
    {
        var calls = Calls(maxBatch: 10);
        var failing = calls.AskAsync(0);
        await Called();
        var next = calls.AskAsync(1);

        _gates.Dequeue().SetException(new IOException("gone"));
        await Assert.ThrowsAsync<IOException>(() => failing);
        await Called();
        Finish();

        Assert.Equal("answer 1", await next);
    }

    private async Task Called()
    {
        await _called.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        _called = new TaskCompletionSource();
    }

    private void Finish() => _gates.Dequeue().SetResult();
}
