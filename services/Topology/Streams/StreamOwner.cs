using Beacon.Contracts.Events;

namespace Beacon.Topology.Streams;

/// <summary>
/// The owner of one stream. A command decides in memory and joins the next commit; while one commit is under way, others gather, and go
/// together. Commit, then tell the edges, then answer. When a commit is refused or fails, what is in memory is no longer known to be the
/// record: the owner drops it, and the next one rebuilds from the journal. Not thread-safe: whoever drives it calls it, and resumes its
/// waits, in one turn at a time; in production a grain does, in a simulation a scheduler with virtual time.
/// </summary>
/// <param name="nonce">Keys of challenges: from the system's random numbers, in a simulation from a seed.</param>
/// <param name="release">Called when the owner holds nothing that is worth keeping.</param>
internal sealed class StreamOwner(
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
    /// <summary>Peers looked at in one turn for who reads a whole tree: about a millisecond.</summary>
    private const int SliceSize = 4_096;

    private StreamState? _state;
    private long _epoch;
    private bool _isLost;
    private bool _isStarting;
    private bool _isPumping;
    private bool _isFinishing;
    private TaskCompletionSource? _nextCommit;

    private long NowMs => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The stream, while it is live and this activation may still speak for it.</summary>
    private StreamState? Live => _state is { IsEnded: false } && !_isLost ? _state : null;

    /// <summary>True while there is something that <see cref="Tick"/> looks after.</summary>
    public bool HasStream => _state is not null && !_isLost;

    /// <summary>Takes the stream, if there is one.</summary>
    public async Task Activate()
    {
        if (await journal.TakeAsync(streamId, NowMs) is not { } stored)
            return;
        _epoch = stored.Epoch;
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
        if (_state is null)
            return await Create(command);
        // Also without a resume ticket: the answer to the same request may have been lost.
        var refusal = _state.ResumeRoot(command, NowMs);
        if (refusal != Refusal.None)
            return refusal == Refusal.InvalidPeer && !command.Resume ? Refusal.StreamNotYours : refusal;
        return await Committed() ? _state.Info : Refusal.OwnerChanged;
    }

    public async Task<Reply<StreamInfo>> Join(JoinCommand command)
    {
        if (Live is not { } state)
            return Unknown();
        var refusal = state.Join(command, NowMs);
        if (refusal != Refusal.None)
            return refusal;
        return await Committed() ? state.Info : Refusal.OwnerChanged;
    }

    public async Task<Refusal> Leave(IReadOnlyList<string> peerIds, string edgeId)
    {
        if (Live is not { } state)
            return Unknown();
        var wasConnected = state.Meta.RootLostAtMs == 0;
        state.Leave(peerIds, edgeId, NowMs);
        if (wasConnected && state.Meta.RootLostAtMs > 0)
            Log.BroadcasterLost(log, streamId, options.RootGraceSeconds);
        return await Committed() ? Refusal.None : Refusal.OwnerChanged;
    }

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
            Committed().Ignore();
        return new Reply<IReadOnlyList<string>>(Refusal.None, unknown);
    }

    public async Task<Refusal> End(string reason, string? accountId)
    {
        if (Live is not { } state)
            return Unknown();
        if (accountId is not null && accountId != state.Meta.AccountId)
            return Refusal.StreamNotYours;
        state.End(reason, NowMs);
        if (!await Committed())
            return Refusal.OwnerChanged;
        await FinishEnding(state);
        return Refusal.None;
    }

    public Reply<StreamInfo> Get() => Live is { } state ? state.Info : Unknown();

    /// <inheritdoc cref="IStreamGrain.GetTree"/>
    public Reply<TreeView> GetTree(int stripe, int pageSize, int offset, string? afterPeerId)
    {
        if (Live is not { } state)
            return Unknown();
        if (stripe != state.Tree.Stripe)
            return Refusal.InvalidStripe;
        var page = TreePages.Read(state.Tree, pageSize + 1, offset, afterPeerId);
        return new TreeView(
            state.Watch.Figures,
            [.. page.Take(pageSize).Select(TreeWatch.View)],
            page.Count > pageSize,
            [.. state.Tree.Waiting.Take(pageSize).Select(peer => peer.Id)]);
    }

    /// <inheritdoc cref="IStreamGrain.ReadTree"/>
    public Reply<TreeSlice> ReadTree(int stripe, int from)
    {
        if (Live is not { } state)
            return Unknown();
        if (stripe != state.Tree.Stripe)
            return Refusal.InvalidStripe;
        state.Watch.Watch(NowMs);
        var cursor = new TreeCursor(_epoch, state.Watch.Last);
        var (peers, next) = state.Read(from, SliceSize);
        return new TreeSlice(cursor, state.Watch.Figures, peers, next);
    }

    /// <inheritdoc cref="IStreamGrain.Changes"/>
    public Reply<TreeNews> Changes(int stripe, TreeCursor cursor)
    {
        if (Live is not { } state)
            return Unknown();
        if (stripe != state.Tree.Stripe)
            return Refusal.InvalidStripe;
        state.Watch.Watch(NowMs);
        var now = new TreeCursor(_epoch, state.Watch.Last);
        return new TreeNews(now, cursor.Epoch == _epoch ? state.Watch.After(cursor.Number) : null);
    }

    public Reply<PlaceExplained> Explain(string peerId, int stripe)
    {
        if (Live is not { } state)
            return Unknown();
        if (stripe != state.Tree.Stripe)
            return Refusal.InvalidStripe;
        if (state.Tree.Find(peerId) is not { } peer)
            return Refusal.UnknownPeer;
        var decision = state.Tree.Explain(peerId);
        var candidates = (decision?.Candidates ?? []).Select(candidate => new CandidateView(
            candidate.PeerId,
            candidate.Depth,
            candidate.SpareSlots,
            candidate.SpareUplinkMbps,
            candidate.LatencyMs,
            candidate.Chosen,
            candidate.Verdict));
        return new PlaceExplained(TreeWatch.View(peer), peer.Reason, decision?.AtMs ?? peer.AssignedAtMs, [.. candidates]);
    }

    public async Task Tick()
    {
        if (_state is not { } state || _isLost)
            return;
        state.Watch.Tick(NowMs);
        if (state.IsEnded)
        {
            await FinishEnding(state);
            return;
        }

        if (state.Tick(NowMs) is { } reason)
        {
            await End(reason, accountId: null);
            return;
        }

        await IssueChallenge(state);
        // Also what a report has set off without waiting: after a tick all that was decided before it is committed and told.
        if ((state.HasBatch || _isPumping) && !await Committed())
            return;
        await PublishOutbox(state);
        // Once a window, so that nothing keeps a live stream off the list for long.
        if (state.AudienceDue)
            await journal.AddLiveAsync(streamId, state.Meta.Channel);
        if (state.AudienceDue && await edges.TryPublishAsync(streamId, new StreamAudienceChanged(streamId, state.Info.Viewers, state.Info.SpareSlots)))
            state.AudienceTold();
        metrics.Observe(streamId, state.Gauges);
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
                command.Channel, command.Title, command.Root.AccountId, command.BitrateKbps, command.MaxChildren, Stripes: 1, NowMs);
            _state = new StreamState(streamId, meta, options, NowMs);
            _state.StartRoot(command, NowMs);
            if (!await Committed())
                return Refusal.OwnerChanged;
            await journal.AddLiveAsync(streamId, command.Channel);
                Log.StreamStarted(log, streamId, command.Channel);
            await edges.TryPublishAsync(streamId, Started(_state));
            return _state.Info;
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
            await PublishOutbox(state);
            var ended = new StreamEnded(streamId, state.Meta.Channel, state.Meta.AccountId, state.Meta.EndedReason!, state.EdgeIds);
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
        foreach (var work in state.Outbox.Values.OrderBy(work => work.Window).ToList())
        {
            if (!await edges.TryPublishAsync(streamId, work))
                return;
            state.Published(work.Window);
            metrics.VerifiedBytes.Add(work.Relays.Sum(relay => relay.VerifiedBytes));
        }
    }

    private async Task IssueChallenge(StreamState state)
    {
        if (state.TryChallenge(nonce, NowMs) is var (window, challenge))
            await edges.ChallengeAsync(state, window, challenge);
    }

    /// <summary>True once all that was decided so far is in Redis and was sent to the edges.</summary>
    private async Task<bool> Committed()
    {
        if (_isLost)
            return false;
        _nextCommit ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mine = _nextCommit.Task;
        if (!_isPumping)
            Pump().Ignore();
        await mine;
        return !_isLost;
    }

    private async Task Pump()
    {
        _isPumping = true;
        while (_nextCommit is { } commit)
        {
            _nextCommit = null;
            try
            {
                if (!_isLost)
                    await CommitOnce();
            }
            catch (Exception exception)
            {
                Log.CommitFailed(log, streamId, exception);
                Lose();
            }

            commit.SetResult();
        }

        _isPumping = false;
    }

    private async Task CommitOnce()
    {
        var state = _state;
        if (state is null || !state.HasBatch)
            return;
        var batch = state.TakeBatch();
        var began = clock.GetTimestamp();
        if (!await journal.CommitAsync(streamId, _epoch, batch.Store))
        {
            Log.StaleOwner(log, streamId, _epoch);
            metrics.StaleOwners.Add(1);
            Lose();
            return;
        }

        metrics.Committed(batch, clock.GetElapsedTime(began));
        await edges.SendAsync(state, batch.Changes);
        metrics.Told(batch.Events, NowMs);
        state.Watch.Tell();
    }

    private void Lose()
    {
        _isLost = true;
        release();
    }

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
