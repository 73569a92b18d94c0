using Beacon.Topology;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Beacon.Simulation.Tests;

/// <summary>
/// The process of an owner stands still amid a commit, longer than a commit may take, and wakes: its own timers are all due, and what
/// the journal answered is yet to be read. It must not take its own sleep for a journal that is away.
/// </summary>
public sealed class StandstillTests : IDisposable
{
    private static readonly TimeSpan Sleep = TimeSpan.FromSeconds(20);

    private readonly TopologyOptions _options = new();
    private readonly TopologyMetrics _metrics = new();
    private readonly VirtualTime _time = new(seed: 1);
    private readonly ScriptedJournal _journal = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task An_owner_that_slept_waits_for_the_answer_that_came_meanwhile()
    {
        var owner = await Started();
        var join = Join(owner, "a");
        _time.Run(Sleep);
        Assert.False(join.IsCompleted);
        _journal.Answer(CommitOutcome.Done);
        _time.Run(TimeSpan.Zero);
        Assert.True((await Answered(join)).Value!.Stream.IsJournaled);
    }

    [Fact]
    public async Task An_owner_that_was_replaced_in_its_sleep_answers_no_join_from_memory()
    {
        var owner = await Started();
        var join = Join(owner, "a");
        _time.Run(Sleep);
        var second = Join(owner, "b");
        _journal.Answer(CommitOutcome.Stale);
        _time.Run(TimeSpan.Zero);
        Assert.Equal((Refusal.OwnerChanged, Refusal.OwnerChanged), ((await Answered(join)).Refusal, (await Answered(second)).Refusal));
        Assert.False(owner.HasStream);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_owner_whose_connection_gave_up_in_its_sleep_asks_the_record_before_it_answers(bool isReplaced)
    {
        var owner = await Started();
        var join = Join(owner, "a");
        _time.Run(Sleep);
        _journal.Fail(new RedisTimeoutException("no answer for 20 s", CommandStatus.Sent));
        _time.Run(TimeSpan.Zero);
        Assert.False(join.IsCompleted);
        Assert.True(_journal.LastBatch!.IsWhole);
        _journal.Answer(isReplaced ? CommitOutcome.Stale : CommitOutcome.Done);
        _time.Run(TimeSpan.Zero);
        if (isReplaced)
            Assert.Equal(Refusal.OwnerChanged, (await Answered(join)).Refusal);
        else
            Assert.True((await Answered(join)).Value!.Stream.IsJournaled);
    }

    [Fact]
    public async Task A_journal_that_does_not_answer_while_the_owner_is_awake_is_away_after_its_time()
    {
        var owner = await Started();
        var join = Join(owner, "a");
        for (var ms = 0; ms < _options.CommitTimeoutMs; ms += 50)
        {
            Assert.False(join.IsCompleted);
            _time.Run(TimeSpan.FromMilliseconds(50));
        }

        Assert.False((await Answered(join)).Value!.Stream.IsJournaled);
        Assert.False(_journal.LastBatch!.IsWhole);
    }

    private async Task<StreamOwner> Started()
    {
        var owner = new StreamOwner(
            "stream", _journal, new NoEdges(), _options, _time.Clock, () => new byte[16], _metrics, NullLogger.Instance, () => { });
        var start = Begin(() => owner.Start(new StartCommand(Member("root"), "channel", "A title", 2_500, 20, MaxChildren: 4, Resume: false)));
        _journal.Answer(CommitOutcome.Done);
        _time.Run(TimeSpan.Zero);
        Assert.Equal(Refusal.None, (await Answered(start)).Refusal);
        return owner;
    }

    /// <summary>The answer of a call that is not to wait any more.</summary>
    private static Task<T> Answered<T>(Task<T> call)
    {
        Assert.True(call.IsCompleted, "there is no answer yet");
        return call;
    }

    private Task<Reply<CommandReplies>> Join(StreamOwner owner, string id) =>
        Begin(() => owner.Execute([new StreamCommand(new JoinCommand(Member(id), UplinkMbps: 10, LatencyMs: 20), Leave: null)]));

    private Task<T> Begin<T>(Func<Task<T>> work)
    {
        var task = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, _time).Unwrap();
        _time.Run(TimeSpan.Zero);
        return task;
    }

    private static Member Member(string id) => new(id, $"account-{id}", "edge-1", "");

    /// <summary>It answers a commit when the test says so, and everything else at once.</summary>
    private sealed class ScriptedJournal : IStreamJournal
    {
        private TaskCompletionSource<CommitOutcome>? _asked;

        public StreamBatch? LastBatch { get; private set; }

        public void Answer(CommitOutcome outcome) => Asked().SetResult(outcome);

        public void Fail(Exception exception) => Asked().SetException(exception);

        public Task<CommitOutcome> CommitAsync(string streamId, long epoch, long number, StreamBatch batch)
        {
            LastBatch = batch;
            _asked = new TaskCompletionSource<CommitOutcome>();
            return _asked.Task;
        }

        public Task<StoredStream?> TakeAsync(string streamId, long nowMs) => Task.FromResult<StoredStream?>(null);

        public Task<long> CreateAsync(string streamId, long nowMs) => Task.FromResult(nowMs);

        public Task PingAsync() => Task.CompletedTask;

        public Task<bool> DeleteAsync(string streamId, long epoch) => Task.FromResult(true);

        public Task<string?> ClaimChannelAsync(string channel, string streamId) => Task.FromResult<string?>(null);

        public Task ReleaseChannelAsync(string channel, string streamId) => Task.CompletedTask;

        public Task AddLiveAsync(string streamId, string channel) => Task.CompletedTask;

        public Task RemoveLiveAsync(string streamId) => Task.CompletedTask;

        public Task<int> CountLiveAsync() => Task.FromResult(0);

        private TaskCompletionSource<CommitOutcome> Asked() => _asked ?? throw new InvalidOperationException("nothing is to be committed");
    }

    private sealed class NoEdges : IEdgeSender
    {
        public Task SendAsync(StreamState stream, PeerNews news) => Task.CompletedTask;

        public Task ChallengeAsync(StreamState stream, long window, Challenge challenge) => Task.CompletedTask;

        public Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class => Task.FromResult(true);
    }
}
