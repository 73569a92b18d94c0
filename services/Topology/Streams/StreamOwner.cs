using System.Diagnostics;
using Beacon.Contracts.Events;

namespace Beacon.Topology.Streams;

/// <summary>
/// The owner of one stream. A command decides in memory and joins the next commit; while commits are under way, others gather, and go
/// together. Commit, then tell the edges, then answer. When a commit is refused because the stream has a newer owner, this one drops
/// its state. When the journal does not answer, the owner goes on from memory and says so, until it can write the whole tree anew.
/// Not thread-safe: whoever drives it calls it, and resumes its waits, in one turn at a time; in production a grain does, in a
/// simulation a scheduler with virtual time.
/// </summary>
/// <param name="nonce">Keys of challenges: from the system's random numbers, in a simulation from a seed.</param>
/// <param name="release">Called when the owner holds nothing that is worth keeping.</param>
internal sealed partial class StreamOwner(
    string streamId,
    IStreamJournal journal,
    IEdgeSender edges,
    TopologyOptions options,
    TimeProvider clock,
    Func<byte[]> nonce,
    TopologyMetrics metrics,
    ILogger log,
    Action release)
{
    /// <summary>The store works on one commit while the next is on its way; more would only make batches smaller.</summary>
    private const int MaxCommitsUnderWay = 2;

    /// <summary>Less than this waits for the commit before it: a commit costs the store as much as some dozens of commands.</summary>
    private const int WorthASecondCommit = 64;

    /// <summary>A record is rewritten when the changes in it are so many times what the whole is, ...</summary>
    private const int ChangesPerWhole = 2;

    /// <summary>... and at least so many.</summary>
    private const int FewChanges = 4096;

    private readonly HashSet<long> _recordedWindows = [];
    private StreamState? _state;
    private long _epoch;
    private long _commitNumber;
    private long _wholeNumber;
    private long _recordedAtMs;
    private long _awaySinceMs;
    private int _changesInRecord;
    private int _commitsUnderWay;
    private int _gathered;
    private bool _needsWhole = true;
    private bool _isWritingWhole;
    private bool _isLost;
    private bool _isStarting;
    private bool _isFinishing;
    private bool _isEndTold;
    private long _absenceToldMs;
    private TaskCompletionSource<Durability>? _nextCommit;
    private Task _lastCommit = Task.CompletedTask;

    /// <summary>What an answer may claim.</summary>
    private enum Durability
    {
        /// <summary>Nothing: another owner has the stream.</summary>
        Lost,

        /// <summary>It is decided and told, and lives as long as this owner, unless the journal comes back before.</summary>
        InMemory,

        Recorded,
    }

    private long NowMs => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The stream, while it is live and this activation may still speak for it.</summary>
    private StreamState? Live => _state is { IsEnded: false } && !_isLost ? _state : null;

    /// <summary>True while the record cannot be written.</summary>
    private bool IsAway => _awaySinceMs > 0;

    private TimeSpan CommitTimeout => TimeSpan.FromMilliseconds(options.CommitTimeoutMs);

    /// <summary>True while there is something that <see cref="Tick"/> looks after.</summary>
    public bool HasStream => _state is not null && !_isLost;

    /// <summary>Takes the stream, if there is one.</summary>
    public async Task Activate()
    {
        if (await journal.TakeAsync(streamId, NowMs) is not { } stored)
            return;
        _epoch = stored.Epoch;
        _recordedAtMs = NowMs;
        _recordedWindows.UnionWith(stored.Outbox.Keys);
        _state = new StreamState(streamId, stored, options, NowMs);
        Log.StreamRebuilt(log, streamId, stored.Peers.Count, _epoch);
        await journal.AddLiveAsync(streamId, stored.Meta.Channel);
        if (!_state.IsEnded)
            await edges.TryPublishAsync(streamId, Started(_state));
    }

    public void Deactivate() => metrics.Forget(streamId);

    public async Task<Reply<StreamInfo>> Start(StartCommand command)
    {
        if (_isLost || _isFinishing || _state is { IsEnded: true })
            return Refusal.OwnerChanged;
        using var span = StreamTraces.Of(command, streamId);
        if (_state is null)
            return await Create(command);
        // Also without a resume ticket: the answer to the same request may have been lost.
        var refusal = _state.ResumeRoot(command, NowMs);
        if (refusal != Refusal.None)
            return refusal == Refusal.InvalidPeer && !command.Resume ? Refusal.StreamNotYours : refusal;
        return Answer(_state, await Committed());
    }

    /// <summary>Decides commands in order, and answers them together once they are committed.</summary>
    public async Task<Reply<CommandReplies>> Execute(IReadOnlyList<StreamCommand> commands)
    {
        if (Live is not { } state)
            return Unknown();
        var now = NowMs;
        var refusals = new Refusal[commands.Count];
        List<Activity>? spans = null;
        for (var command = 0; command < refusals.Length; command++)
        {
            var span = StreamTraces.Of(commands[command], streamId);
            var before = state.Changes;
            refusals[command] = commands[command] switch
            {
                { Join: { } join } => Join(state, join, now),
                { Leave: { } leave } => Leave(state, leave, now),
                _ => Refusal.None,
            };
            if (span is null)
                continue;
            state.Traced(before, span.Id!);
            (spans ??= []).Add(span);
        }

        var reply = Answer(state, await Committed(refusals.Length));
        foreach (var span in spans ?? [])
            span.Dispose();
        return reply.Refusal == Refusal.None ? new CommandReplies(reply.Value!, refusals) : reply.Refusal;
    }

    /// <inheritdoc cref="IStreamGrain.Import"/>
    public async Task<Reply<Imported>> Import(IReadOnlyList<ArrivalCommand> arrivals)
    {
        if (Live is not { } state)
            return Unknown();
        if (AdmitsNobody(NowMs))
            return Refusal.JournalAway;
        var imported = state.Import(arrivals, NowMs);
        return await Committed(arrivals.Count) == Durability.Lost ? Refusal.OwnerChanged : imported;
    }

    /// <inheritdoc cref="IStreamGrain.Handover"/>
    public async Task<Reply<StreamInfo>> Handover(HandoverCommand command)
    {
        if (Live is not { } state)
            return Unknown();
        var refusal = state.Handover(command, NowMs);
        if (refusal != Refusal.None)
            return refusal;
        var durability = await Committed();
        if (durability != Durability.Lost)
            await edges.TryPublishAsync(streamId, Started(state));
        return Answer(state, durability);
    }

    /// <summary>The peers of these that the stream does not have.</summary>
    public async Task<Reply<IReadOnlyList<string>>> Report(EdgeReports reports)
    {
        if (Live is not { } state)
            return Unknown();
        var now = NowMs;
        var unknown = new List<string>();
        foreach (var digest in reports.Digests)
        {
            if (!state.Announce(reports.EdgeId, digest, now))
                unknown.Add(digest.PeerId);
        }

        foreach (var report in reports.Reports)
        {
            if (!state.Report(reports.EdgeId, report, now))
                unknown.Add(report.PeerId);
        }

        await IssueChallenge(state);
        // Reports are not acknowledged as durable: what follows from them is committed without making them wait.
        if (state.HasBatch)
            Committed(reports.Reports.Count).Ignore();
        return new Reply<IReadOnlyList<string>>(Refusal.None, unknown);
    }

    public async Task<Refusal> End(string reason, string? accountId)
    {
        if (Live is not { } state)
            return Unknown();
        if (accountId is not null && accountId != state.Meta.AccountId)
            return Refusal.StreamNotYours;
        state.End(reason, NowMs);
        if (await Committed() == Durability.Lost)
            return Refusal.OwnerChanged;
        await FinishEnding(state);
        return Refusal.None;
    }

    public Reply<StreamInfo> Get() => Live is { } state ? Answer(state, IsAway ? Durability.InMemory : Durability.Recorded) : Unknown();

    /// <summary>Once for each time that the broadcaster is lost, and again by the next owner.</summary>
    private async Task TellAbsence(StreamState state)
    {
        var lostAtMs = state.Meta.RootLostAtMs;
        if (lostAtMs == 0 || lostAtMs == _absenceToldMs)
            return;
        var endsAt = DateTimeOffset.FromUnixTimeMilliseconds(lostAtMs).AddSeconds(options.RootGraceSeconds);
        var startedAt = DateTimeOffset.FromUnixTimeMilliseconds(state.Meta.StartedAtMs);
        if (await edges.TryPublishAsync(streamId, new BroadcasterAway(streamId, state.Meta.Channel, state.Meta.AccountId, startedAt, endsAt)))
            _absenceToldMs = lostAtMs;
    }

    /// <summary>What only time brings.</summary>
    public async Task Tick()
    {
        if (_state is not { } state || _isLost)
            return;
        if (!state.IsEnded && state.Tick(NowMs) is { } reason)
        {
            await End(reason, accountId: null);
            return;
        }

        if (!state.IsEnded)
            await IssueChallenge(state);
        // Also what a report has set off without waiting: after a tick all that was decided before it is committed and told.
        if ((state.HasBatch || _commitsUnderWay > 0) && await Committed() == Durability.Lost)
            return;
        if (IsAway)
            await TryComeBack(state);
        if (state.IsEnded)
        {
            await FinishEnding(state);
            return;
        }

        metrics.Observe(streamId, state.Gauges);
        if (IsAway)
            return;
        await PublishOutbox(state);
        await TellAbsence(state);
        // Once a window, so that nothing keeps a live stream off the list for long.
        if (state.AudienceDue)
            await journal.AddLiveAsync(streamId, state.Meta.Channel).WaitAsync(CommitTimeout, clock);
        if (state.AudienceDue && await edges.TryPublishAsync(streamId, new StreamAudienceChanged(streamId, state.Info.Viewers, state.Info.SpareSlots, clock.GetUtcNow())))
            state.AudienceTold();
    }

    private Refusal Join(StreamState state, JoinCommand command, long nowMs)
    {
        if (AdmitsNobody(nowMs) && !state.Has(command.Peer.PeerId))
            return Refusal.JournalAway;
        return state.Join(command, nowMs);
    }

    /// <summary>The record has been away for so long that newcomers would be a promise that nobody can keep.</summary>
    private bool AdmitsNobody(long nowMs) => IsAway && nowMs - _awaySinceMs >= options.JournalAwaySeconds * 1000L;

    private Refusal Leave(StreamState state, LeaveCommand command, long nowMs)
    {
        var wasConnected = state.Meta.RootLostAtMs == 0;
        state.Leave(command.PeerIds, command.EdgeId, nowMs);
        if (wasConnected && state.Meta.RootLostAtMs > 0)
            Log.BroadcasterLost(log, streamId, options.RootGraceSeconds);
        return Refusal.None;
    }

    private async Task<Reply<StreamInfo>> Create(StartCommand command)
    {
        // One start at a time: the second finds the first one's stream when it tries again.
        if (_isStarting)
            return Refusal.OwnerChanged;
        _isStarting = true;
        try
        {
            if (await journal.CountLiveAsync() >= options.MaxLiveStreams)
                return Refuse(Refusal.TooManyStreams);
            if (await journal.ClaimChannelAsync(command.Channel, streamId) is { } holder)
            {
                release();
                return new Reply<StreamInfo>(Refusal.ChannelAlreadyLive, default, holder);
            }

            _epoch = await journal.CreateAsync(streamId, NowMs);
            var meta = new StreamMeta(
                command.Channel, command.Title, command.Root.AccountId, command.BitrateKbps, command.MaxChildren, options.Stripes, NowMs);
            _recordedAtMs = NowMs;
            _state = new StreamState(streamId, meta, options, NowMs);
            _state.StartRoot(command, NowMs);
            var durability = await Committed();
            if (durability == Durability.Lost)
                return Refusal.OwnerChanged;
            if (durability == Durability.Recorded)
                await journal.AddLiveAsync(streamId, command.Channel);
            Log.StreamStarted(log, streamId, command.Channel);
            await edges.TryPublishAsync(streamId, Started(_state));
            return Answer(_state, durability);
        }
        finally
        {
            _isStarting = false;
        }
    }

    /// <summary>Tells everybody that the stream is over and forgets it. Repeated by the timer and by the next owner until it is done.</summary>
    private async Task FinishEnding(StreamState state)
    {
        if (_isFinishing)
            return;
        _isFinishing = true;
        try
        {
            var endedAt = state.Meta.EndedAtMs == 0 ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeMilliseconds(state.Meta.EndedAtMs);
            var ended = new StreamEnded(streamId, state.Meta.Channel, state.Meta.AccountId, state.Meta.EndedReason!, state.EdgeIds, endedAt);
            if (IsAway)
            {
                // The audience need not wait for the journal; the rest must: a window is settled once it is written.
                _isEndTold = _isEndTold || await edges.TryPublishAsync(streamId, ended);
                return;
            }

            await PublishOutbox(state);
            if (state.Outbox.Count > 0 || !await edges.TryPublishAsync(streamId, ended))
                return;
            await journal.ReleaseChannelAsync(state.Meta.Channel, streamId);
            await journal.RemoveLiveAsync(streamId);
            await journal.DeleteAsync(streamId, _epoch);
            Log.StreamEnded(log, streamId, state.Meta.EndedReason!);
            metrics.Forget(streamId);
            _state = null;
            release();
        }
        finally
        {
            _isFinishing = false;
        }
    }

    private async Task PublishOutbox(StreamState state)
    {
        // What is not in the record could be settled once more by the next owner.
        foreach (var work in state.Outbox.Values.Where(work => _recordedWindows.Contains(work.Window)).OrderBy(work => work.Window).ToList())
        {
            if (_isLost || !await edges.TryPublishAsync(streamId, work))
                return;
            _recordedWindows.Remove(work.Window);
            state.Published(work.Window);
            metrics.VerifiedBytes.Add(work.Relays.Sum(relay => relay.VerifiedBytes));
        }
    }

    private async Task IssueChallenge(StreamState state)
    {
        if (state.TryChallenge(nonce, NowMs) is var (window, challenge))
            await edges.ChallengeAsync(state, window, challenge);
    }

    /// <summary>Waits until all that was decided so far is in the record, or cannot be now, and the edges were told.</summary>
    private Task<Durability> Committed(int commands = 1)
    {
        if (_isLost)
            return Task.FromResult(Durability.Lost);
        _nextCommit ??= new TaskCompletionSource<Durability>(TaskCreationOptions.RunContinuationsAsynchronously);
        _gathered += commands;
        var mine = _nextCommit.Task;
        Pump();
        return mine;
    }

    private void Pump()
    {
        while (_nextCommit is { } waiting
            && (_commitsUnderWay == 0 || (_commitsUnderWay < MaxCommitsUnderWay && _gathered >= WorthASecondCommit && !_isWritingWhole && !IsAway)))
        {
            _nextCommit = null;
            _gathered = 0;
            _commitsUnderWay++;
            _lastCommit = Commit(waiting, _lastCommit);
        }
    }

    /// <param name="before">The commit before: commits are told and answered in their order.</param>
    private async Task Commit(TaskCompletionSource<Durability> waiting, Task before)
    {
        var durability = Durability.Lost;
        try
        {
            if (!_isLost && _state is { } state)
                durability = await Commit(state, before);
        }
        catch (Exception exception)
        {
            Log.CommitFailed(log, streamId, exception);
            Lose();
        }

        _commitsUnderWay--;
        waiting.SetResult(_isLost ? Durability.Lost : durability);
        Pump();
    }

    private async Task<Durability> Commit(StreamState state, Task before)
    {
        var wasAway = IsAway;
        if (wasAway || !state.HasBatch)
        {
            // What was decided while the journal is away is told; the record of it goes on gathering.
            var untold = state.TakeNews();
            var events = wasAway ? state.TakeEvents() : new BatchEvents();
            await before;
            metrics.Decided(events);
            await edges.SendAsync(state, untold);
            state.GiveBack(untold);
            metrics.Told(events, NowMs);
            state.TellWatchers();
            return wasAway || IsAway ? Durability.InMemory : Durability.Recorded;
        }

        var batch = state.TakeBatch(whole: IsWholeDue(state));
        var began = clock.GetTimestamp();
        var number = ++_commitNumber;
        var wait = Patience();
        using var span = StreamTraces.Commit(batch);
        var outcome = await Write(number, batch.Store, wait);
        span?.AddEvent(new ActivityEvent("recorded"));
        await before;
        if (_isLost)
            return Durability.Lost;
        Learn(state, number, batch.Store, outcome);
        // Who stood still may have been replaced meanwhile: it asks the record before it goes on from memory.
        var isWhole = !_isLost && IsAway && wait.StoodStill && await TryWriteWhole(state);
        if (_isLost)
            return Durability.Lost;
        metrics.Decided(batch.Events);
        if (outcome == CommitOutcome.Done)
            metrics.Committed(batch.Store, clock.GetElapsedTime(began));
        await edges.SendAsync(state, batch.News);
        state.GiveBack(batch.News);
        metrics.Told(batch.Events, NowMs);
        state.TellWatchers();
        return isWhole || outcome == CommitOutcome.Done ? Durability.Recorded : Durability.InMemory;
    }

    /// <summary>The changes would outgrow the tree, or nothing is known of what is written there. Not beside another commit: it may overtake a part.</summary>
    private bool IsWholeDue(StreamState state) =>
        _commitsUnderWay == 1 && (_needsWhole || _changesInRecord > Math.Max(FewChanges, ChangesPerWhole * state.Entries));

    /// <returns>Null when nobody knows what became of it.</returns>
    private async Task<CommitOutcome?> Write(long number, StreamBatch batch, AwakeWait wait)
    {
        _isWritingWhole |= batch.IsWhole;
        try
        {
            var commit = journal.CommitAsync(streamId, _epoch, number, batch);
            await wait.For(commit);
            return await commit;
        }
        catch (Exception exception)
        {
            Log.JournalFailed(log, streamId, exception);
            return null;
        }
        finally
        {
            if (batch.IsWhole)
                _isWritingWhole = false;
        }
    }

    private void Learn(StreamState state, long number, StreamBatch batch, CommitOutcome? outcome)
    {
        switch (outcome)
        {
            case CommitOutcome.Done:
                _recordedAtMs = NowMs;
                _recordedWindows.UnionWith(batch.Outbox.Select(work => work.Window));
                _changesInRecord = batch.IsWhole ? 0 : _changesInRecord + batch.Segments.Entries;
                if (batch.IsWhole)
                {
                    _needsWhole = false;
                    _wholeNumber = number;
                }

                break;
            case CommitOutcome.Stale:
                Log.StaleOwner(log, streamId, _epoch);
                metrics.StaleOwners.Add(1);
                Lose();
                break;
            case var _ when number < _wholeNumber:
                // All of it is in what was written whole since.
                break;
            default:
                _needsWhole = true;
                if (IsAway)
                    break;
                _awaySinceMs = NowMs;
                metrics.JournalAway(streamId);
                Log.JournalAway(log, streamId, state.Trees.Count, options.JournalAwaySeconds);
                break;
        }
    }

    private async Task TryComeBack(StreamState state)
    {
        // What was decided meanwhile is not in what was written.
        if (await TryWriteWhole(state) && state.HasBatch)
            await Committed();
    }

    /// <summary>Writes the whole stream, when the journal answers again.</summary>
    /// <returns>True when the journal is back.</returns>
    private async Task<bool> TryWriteWhole(StreamState state)
    {
        if (_isWritingWhole)
            return false;
        if (NowMs - _recordedAtMs >= options.StateTtlHours * 3_600_000L)
        {
            // So long after, nothing there would tell that the stream has had another owner, and an end.
            Log.JournalAwayTooLong(log, streamId);
            Lose();
            return false;
        }

        _isWritingWhole = true;
        try
        {
            await Patience().For(journal.PingAsync());
        }
        catch (Exception exception)
        {
            Log.JournalFailed(log, streamId, exception);
            _isWritingWhole = false;
            return false;
        }

        if (_isLost)
            return false;
        var whole = state.TakeWhole();
        var number = ++_commitNumber;
        var outcome = await Write(number, whole, Patience());
        if (_isLost)
            return false;
        Learn(state, number, whole, outcome);
        if (outcome != CommitOutcome.Done)
            return false;
        Log.JournalBack(log, streamId, state.Trees.Count, (NowMs - _awaySinceMs) / 1000);
        _awaySinceMs = 0;
        metrics.JournalBack(streamId);
        // A store that came back empty has neither.
        await journal.ClaimChannelAsync(state.Meta.Channel, streamId).WaitAsync(CommitTimeout, clock);
        await journal.AddLiveAsync(streamId, state.Meta.Channel).WaitAsync(CommitTimeout, clock);
        return true;
    }

    private AwakeWait Patience() => new(clock, CommitTimeout);

    private void Lose()
    {
        _isLost = true;
        metrics.JournalBack(streamId);
        release();
    }

    private static Reply<StreamInfo> Answer(StreamState state, Durability durability) =>
        durability == Durability.Lost ? Refusal.OwnerChanged : state.Info with { IsJournaled = durability == Durability.Recorded };

    /// <summary>An activation of a stream that is not there is not kept: anybody may ask for any id.</summary>
    private Refusal Unknown()
    {
        if (_isLost)
            return Refusal.OwnerChanged;
        if (_state is null && !_isStarting)
            release();
        return Refusal.UnknownStream;
    }

    private Refusal Refuse(Refusal refusal)
    {
        release();
        return refusal;
    }

    private StreamStarted Started(StreamState state) => new(
        streamId,
        state.Meta.Channel,
        state.Meta.Title,
        state.Meta.AccountId,
        state.Meta.BitrateKbps,
        DateTimeOffset.FromUnixTimeMilliseconds(state.Meta.StartedAtMs));
}
