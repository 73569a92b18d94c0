using System.Security.Cryptography;
using Beacon.Contracts.Events;
using Beacon.Topology.Mesh;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Beacon.Topology.Streams;

/// <summary>
/// The owner of one stream. A command decides in memory and joins the next commit; while one commit is under way, others gather, and go
/// together. Commit, then tell the edges, then answer. When a commit is refused or fails, what is in memory is no longer known to be the
/// record: the activation drops it, and the next one rebuilds from Redis.
/// </summary>
[Reentrant]
internal sealed class StreamGrain(
    StreamStore store,
    EdgeSender edges,
    IOptions<TopologyOptions> options,
    TimeProvider clock,
    TopologyMetrics metrics,
    ILogger<StreamGrain> log) : Grain, IStreamGrain
{
    private StreamState? _state;
    private long _epoch;
    private bool _isLost;
    private bool _isStarting;
    private bool _isPumping;
    private bool _isFinishing;
    private IGrainTimer? _timer;
    private TaskCompletionSource? _nextCommit;

    private string StreamId => this.GetPrimaryKeyString();

    private long NowMs => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The stream, while it is live and this activation may still speak for it.</summary>
    private StreamState? Live => _state is { IsEnded: false } && !_isLost ? _state : null;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (await store.TakeAsync(StreamId, NowMs) is not { } stored)
            return;
        _epoch = stored.Epoch;
        _state = new StreamState(StreamId, stored, options.Value, NowMs);
        Log.StreamRebuilt(log, StreamId, stored.Peers.Count, _epoch);
        await store.AddLiveAsync(StreamId, stored.Meta.Channel);
        StartTimer();
        if (!_state.IsEnded)
            await edges.TryPublishAsync(StreamId, Started(_state));
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        metrics.Forget(StreamId);
        return Task.CompletedTask;
    }

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
        metrics.Joins.Add(1);
        return await Committed() ? state.Info : Refusal.OwnerChanged;
    }

    public async Task<JoinReplies> JoinMany(IReadOnlyList<JoinCommand> commands)
    {
        if (Live is not { } state)
            return new JoinReplies(null, [.. Enumerable.Repeat(Unknown(), commands.Count)]);
        var now = NowMs;
        List<Refusal> refusals = [.. commands.Select(command => state.Join(command, now))];
        metrics.Joins.Add(refusals.Count(refusal => refusal == Refusal.None));
        return await Committed() ? new JoinReplies(state.Info, refusals) : new JoinReplies(null, [.. refusals.Select(_ => Refusal.OwnerChanged)]);
    }

    public Task<Refusal> Leave(string peerId, string edgeId) => LeaveMany([new LeaveCommand(peerId, edgeId)]);

    public async Task<Refusal> LeaveMany(IReadOnlyList<LeaveCommand> commands)
    {
        if (Live is not { } state)
            return Unknown();
        var wasConnected = state.Meta.RootLostAtMs == 0;
        var now = NowMs;
        metrics.Orphans.Add(commands.Sum(command => state.Leave(command.PeerId, command.EdgeId, now)));
        if (wasConnected && state.Meta.RootLostAtMs > 0)
            Log.BroadcasterLost(log, StreamId, options.Value.RootGraceSeconds);
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

    public Task<Reply<StreamInfo>> Get() => Task.FromResult(Live is { } state ? state.Info : (Reply<StreamInfo>)Unknown());

    public Task<Reply<TreeView>> GetTree(int stripe, int pageSize, int offset)
    {
        if (Live is not { } state)
            return Task.FromResult<Reply<TreeView>>(Unknown());
        if (stripe != state.Tree.Stripe)
            return Task.FromResult<Reply<TreeView>>(Refusal.InvalidStripe);
        var tree = state.Tree;
        var stranded = tree.Waiting.SelectMany(waiting => waiting.Subtree());
        var page = (tree.Root?.Subtree() ?? []).Concat(stranded).Skip(offset).Take(pageSize + 1).ToList();
        var quality = tree.Quality();
        return Task.FromResult<Reply<TreeView>>(new TreeView(
            tree.Version,
            [.. page.Take(pageSize).Select(View)],
            page.Count > pageSize,
            quality.MeanDepth,
            quality.IdealMeanDepth,
            quality.MaxDepth,
            quality.IdealMaxDepth,
            [.. tree.Waiting.Take(pageSize).Select(peer => peer.Id)]));
    }

    public Task<Reply<PlaceExplained>> Explain(string peerId, int stripe)
    {
        if (Live is not { } state)
            return Task.FromResult<Reply<PlaceExplained>>(Unknown());
        if (stripe != state.Tree.Stripe)
            return Task.FromResult<Reply<PlaceExplained>>(Refusal.InvalidStripe);
        if (state.Tree.Find(peerId) is not { } peer)
            return Task.FromResult<Reply<PlaceExplained>>(Refusal.UnknownPeer);
        var decision = state.Tree.Explain(peerId);
        var candidates = (decision?.Candidates ?? []).Select(candidate => new CandidateView(
            candidate.PeerId,
            candidate.Depth,
            candidate.SpareSlots,
            candidate.SpareUplinkMbps,
            candidate.LatencyMs,
            candidate.Chosen,
            candidate.Verdict));
        return Task.FromResult<Reply<PlaceExplained>>(new PlaceExplained(View(peer), peer.Reason, decision?.AtMs ?? peer.AssignedAtMs, [.. candidates]));
    }

    public async Task Tick()
    {
        if (_state is not { } state || _isLost)
            return;
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
            await store.AddLiveAsync(StreamId, state.Meta.Channel);
        if (state.AudienceDue && await edges.TryPublishAsync(StreamId, new StreamAudienceChanged(StreamId, state.Info.Viewers, state.Info.SpareSlots)))
            state.AudienceTold();
        var quality = state.Tree.Quality();
        metrics.Observe(StreamId, new StreamGauges(
            state.Tree.Count, state.Tree.WaitingCount, state.Tree.DegradedCount, quality.MaxDepth, Math.Max(0, quality.MeanDepth - quality.IdealMeanDepth)));
    }

    private async Task<Reply<StreamInfo>> Create(StartCommand command)
    {
        // One start at a time: the second finds the first one's stream when it tries again.
        if (_isStarting)
            return Refusal.OwnerChanged;
        _isStarting = true;
        try
        {
            if (await store.CountLiveAsync() >= options.Value.MaxLiveStreams)
                return Refuse(Refusal.TooManyStreams);
            if (await store.ClaimChannelAsync(command.Channel, StreamId) is { } holder)
            {
                DeactivateOnIdle();
                return new Reply<StreamInfo>(Refusal.ChannelAlreadyLive, default, holder);
            }

            _epoch = await store.CreateAsync(StreamId, NowMs);
            var meta = new StreamMeta(
                command.Channel, command.Title, command.Root.AccountId, command.BitrateKbps, command.MaxChildren, Stripes: 1, NowMs);
            _state = new StreamState(StreamId, meta, options.Value, NowMs);
            _state.StartRoot(command, NowMs);
            if (!await Committed())
                return Refusal.OwnerChanged;
            await store.AddLiveAsync(StreamId, command.Channel);
            StartTimer();
            Log.StreamStarted(log, StreamId, command.Channel);
            await edges.TryPublishAsync(StreamId, Started(_state));
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
            var ended = new StreamEnded(StreamId, state.Meta.Channel, state.Meta.AccountId, state.Meta.EndedReason!, state.EdgeIds);
            if (state.Outbox.Count > 0 || !await edges.TryPublishAsync(StreamId, ended))
                return;
            await store.ReleaseChannelAsync(state.Meta.Channel, StreamId);
            await store.RemoveLiveAsync(StreamId);
            await store.DeleteAsync(StreamId, _epoch);
            Log.StreamEnded(log, StreamId, state.Meta.EndedReason!);
            _timer?.Dispose();
            _state = null;
            DeactivateOnIdle();
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
            if (!await edges.TryPublishAsync(StreamId, work))
                return;
            state.Published(work.Window);
            metrics.VerifiedBytes.Add(work.Relays.Sum(relay => relay.VerifiedBytes));
        }
    }

    private async Task IssueChallenge(StreamState state)
    {
        if (state.TryChallenge(() => RandomNumberGenerator.GetBytes(16), NowMs) is var (window, challenge))
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
                Log.CommitFailed(log, StreamId, exception);
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
        if (!await store.CommitAsync(StreamId, _epoch, batch.Store))
        {
            Log.StaleOwner(log, StreamId, _epoch);
            metrics.StaleOwners.Add(1);
            Lose();
            return;
        }

        metrics.CommitDuration.Record(clock.GetElapsedTime(began).TotalSeconds);
        metrics.CommitPeers.Record(batch.Store.Peers.Count + batch.Store.RemovedPeers.Count);
        foreach (var moves in batch.Changes.Where(change => change.Kind == ChangeKind.ParentAssigned && change.Reason != Reasons.Joined).CountBy(change => change.Reason))
            metrics.Moves.Add(moves.Value, new KeyValuePair<string, object?>("reason", moves.Key));
        await edges.SendAsync(state, batch.Changes);
    }

    private void Lose()
    {
        _isLost = true;
        _timer?.Dispose();
        DeactivateOnIdle();
    }

    /// <summary>An activation of a stream that is not there is not kept: anybody may ask for any id.</summary>
    private Refusal Unknown()
    {
        if (_isLost)
            return Refusal.OwnerChanged;
        if (_state is null && !_isStarting)
            DeactivateOnIdle();
        return Refusal.UnknownStream;
    }

    private Refusal Refuse(Refusal refusal)
    {
        DeactivateOnIdle();
        return refusal;
    }

    private void StartTimer()
    {
        var period = TimeSpan.FromMilliseconds(options.Value.TickMs);
        _timer = this.RegisterGrainTimer(OnTimer, new GrainTimerCreationOptions(period, period) { Interleave = true });
    }

    private async Task OnTimer(CancellationToken cancellationToken)
    {
        try
        {
            await Tick();
        }
        catch (Exception exception)
        {
            Log.TickFailed(log, StreamId, exception);
        }
    }

    private StreamStarted Started(StreamState state) => new(
        StreamId,
        state.Meta.Channel,
        state.Meta.Title,
        state.Meta.AccountId,
        state.Meta.BitrateKbps,
        DateTimeOffset.FromUnixTimeMilliseconds(state.Meta.StartedAtMs));

    private static PlaceView View(Peer peer) => new(
        peer.Id,
        peer.Parent?.Id,
        peer.Standby?.Id,
        peer.Depth,
        peer.Slots,
        peer.Children.Count,
        peer.UplinkMbps,
        peer.LatencyMs,
        peer.IsDegraded);
}
