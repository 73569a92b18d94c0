using Beacon.ServiceDefaults;

namespace Beacon.Signaling.Tests;

public sealed class GroupedCallsTests
{
    private readonly List<IReadOnlyList<int>> _calls = [];
    private readonly Queue<TaskCompletionSource> _gates = [];
    private TaskCompletionSource _called = new();

    private GroupedCalls<int, string> Calls(int maxBatch, int maxUnderWay = 1) => new(maxBatch, maxUnderWay, async batch =>
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
    public async Task A_further_call_goes_when_as_many_wait_as_are_under_way()
    {
        var calls = Calls(maxBatch: 10, maxUnderWay: 2);
        List<Task<string>> asked = [calls.AskAsync(0)];
        await Called();
        asked.Add(calls.AskAsync(1));
        await Called();
        asked.AddRange(Enumerable.Range(2, 5).Select(calls.AskAsync));
        Finish();
        await Called();
        Finish();
        await asked[1];
        asked.AddRange(Enumerable.Range(7, 4).Select(calls.AskAsync));
        Assert.Equal(3, _calls.Count);
        asked.Add(calls.AskAsync(11));
        await Called();
        Finish();
        Finish();

        Assert.Equal(Enumerable.Range(0, 12).Select(number => $"answer {number}"), await Task.WhenAll(asked));
        Assert.Equal([[0], [1], [2, 3, 4, 5, 6], [7, 8, 9, 10, 11]], _calls);
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

    [Fact]
    public async Task Each_key_has_its_own_calls_and_forgotten_ones_answer_all_the_same()
    {
        var gates = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource()).ToList();
        var calls = new GroupedCallsByKey<int, string>(maxKeys: 2, maxBatch: 10, maxUnderWay: 1, async (key, batch) =>
        {
            await gates[batch[0]].Task;
            return [.. batch.Select(number => $"{key} {number}")];
        });
        var answers = new[] { calls.AskAsync("a", 0), calls.AskAsync("b", 1), calls.AskAsync("c", 2) };

        for (var last = 2; last >= 0; last--)
        {
            gates[last].SetResult();
            await answers[last].WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }

        Assert.Equal(["a 0", "b 1", "c 2"], await Task.WhenAll(answers));
    }

    private async Task Called()
    {
        await _called.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        _called = new TaskCompletionSource();
    }

    private void Finish() => _gates.Dequeue().SetResult();
}
