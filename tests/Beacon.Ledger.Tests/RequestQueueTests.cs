using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Tests;

/// <summary>How long requests wait for callers who are being answered: for a moment, and never for ever.</summary>
public sealed class RequestQueueTests
{
    private const int Capacity = 128;

    private readonly RequestQueue _queue = new(Capacity);
    private readonly List<Beacon.Ledger.Journal.Request> _group = [];

    [Fact]
    public void A_request_is_taken_although_those_who_are_being_answered_never_come()
    {
        _queue.Answering(16);
        Add(1);
        Assert.True(_queue.Take(_group, Capacity));
        Assert.Single(_group);
    }

    [Fact]
    public async Task A_writer_that_sleeps_wakes_for_a_request_and_for_the_end_of_the_answers()
    {
        for (var round = 0; round < 200; round++)
        {
            var taken = Task.Run(() => _queue.Take(_group, Capacity), TestContext.Current.CancellationToken);
            _queue.Answering(2);
            Add(1);
            _queue.Answered(1);
            _queue.Answered(1);
            Assert.True(await taken.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
            Assert.Single(_group);
            _group.Clear();
        }
    }

    [Fact]
    public void A_closed_queue_hands_out_what_waits_and_then_says_so()
    {
        _queue.Answering(1);
        Add(3);
        _queue.Close();
        Assert.Equal(RequestQueue.Answer.Closed, _queue.TryAdd(NewRequest()));
        Assert.True(_queue.Take(_group, 2));
        Assert.Equal(2, _group.Count);
        Assert.True(_queue.Take(_group, Capacity));
        Assert.Equal(3, _group.Count);
        Assert.False(_queue.Take([], Capacity));
    }

    [Fact]
    public void A_full_queue_refuses_one_more()
    {
        Add(Capacity);
        Assert.Equal(RequestQueue.Answer.Full, _queue.TryAdd(NewRequest()));
    }

    private void Add(int requests)
    {
        for (var i = 0; i < requests; i++)
            Assert.Equal(RequestQueue.Answer.Taken, _queue.TryAdd(NewRequest()));
    }

    private static Beacon.Ledger.Journal.Request<int> NewRequest() => Beacon.Ledger.Journal.Request<int>.For(_ => 0, Guid.Empty);
}
