using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Beacon.Topology.Streams;

/// <summary>
/// Where a stream's owner lives: Orleans keeps one activation of it in the cluster, routes the calls to it and gives it its turns. All
/// that is decided is decided by <see cref="StreamOwner"/>.
/// </summary>
[Reentrant]
internal sealed class StreamGrain(
    IStreamJournal journal,
    IEdgeSender edges,
    IOptions<TopologyOptions> options,
    TimeProvider clock,
    TopologyMetrics metrics,
    ReplicaAddress here,
    ILogger<StreamGrain> log) : Grain, IStreamGrain
{
    private StreamOwner _owner = null!;
    private IGrainTimer? _timer;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _owner = new StreamOwner(
            this.GetPrimaryKeyString(), journal, edges, options.Value, clock, () => RandomNumberGenerator.GetBytes(16), metrics, log, DeactivateOnIdle);
        await _owner.Activate();
        StartTimer();
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        _owner.Deactivate();
        return Task.CompletedTask;
    }

    public async Task<Reply<StreamInfo>> Start(StartCommand command)
    {
        var reply = await _owner.Start(command);
        StartTimer();
        return reply;
    }

    public async Task<Reply<CommandReplies>> Execute(IReadOnlyList<StreamCommand> commands)
    {
        var reply = await _owner.Execute(commands);
        return reply.Value is { } done ? done with { Stream = done.Stream with { Owner = here.Grpc } } : reply;
    }

    public Task<Reply<Imported>> Import(IReadOnlyList<ArrivalCommand> arrivals) => _owner.Import(arrivals);

    public Task<Reply<IReadOnlyList<ArrivalCommand>>> Audience(IReadOnlyList<string> peerIds) => Task.FromResult(_owner.Audience(peerIds));

    public Task<Reply<StreamInfo>> Handover(HandoverCommand command) => _owner.Handover(command);

    public async Task<Reply<Reported>> Report(EdgeReports reports)
    {
        var reply = await _owner.Report(reports);
        return reply.Value is { } unknown ? new Reported(unknown, here.Grpc) : reply.Refusal;
    }

    public Task<Refusal> End(string reason, string? accountId) => _owner.End(reason, accountId);

    public Task<Reply<StreamInfo>> Get() => Task.FromResult(_owner.Get());

    public Task<Reply<TreeView>> GetTree(int stripe, int pageSize, int offset, string? afterPeerId) =>
        Task.FromResult(_owner.GetTree(stripe, pageSize, offset, afterPeerId));

    public Task<Reply<TreeSlice>> ReadTree(int stripe, int from) => Task.FromResult(_owner.ReadTree(stripe, from));

    public Task<Reply<TreeNews>> Changes(int stripe, TreeCursor cursor) => Task.FromResult(_owner.Changes(stripe, cursor));

    public Task<Reply<PlaceExplained>> Explain(string peerId, int stripe) => Task.FromResult(_owner.Explain(peerId, stripe));

    public Task Tick() => _owner.Tick();

    private void StartTimer()
    {
        if (_timer is not null || !_owner.HasStream)
            return;
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
            Log.TickFailed(log, this.GetPrimaryKeyString(), exception);
        }
    }
}
