using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Signaling.Sessions;

/// <summary>Joins and leaves of this replica, grouped on their way to Topology.</summary>
internal sealed class TopologyCalls
{
    /// <summary>What Topology takes in one call.</summary>
    private const int MaxBatch = 1_024;
    private const int MaxUnderWay = 2;

    private readonly GroupedCalls<PeerJoin, JoinResult> _joins;
    private readonly GroupedCalls<PeerLeave, bool> _leaves;

    public TopologyCalls(TopologyEdgeService.TopologyEdgeServiceClient topology)
    {
        _joins = new(MaxBatch, MaxUnderWay, async joins => (await topology.JoinStreamsAsync(new JoinStreamsRequest { Joins = { joins } })).Results);
        _leaves = new(MaxBatch, MaxUnderWay, async leaves =>
        {
            await topology.LeaveStreamsAsync(new LeaveStreamsRequest { Leaves = { leaves } });
            return [.. leaves.Select(_ => true)];
        });
    }

    /// <summary>Fails as the single call would.</summary>
    public async Task<LiveStream> JoinAsync(PeerJoin request)
    {
        var result = await _joins.AskAsync(request);
        if (result.Stream is { } stream)
            return stream;
        throw result.ErrorReason.Length > 0
            ? new Fault(result.ErrorReason, (StatusCode)result.ErrorCode, result.ErrorMessage, result.ErrorRetryable).Exception()
            : new RpcException(new Status((StatusCode)result.ErrorCode, result.ErrorMessage));
    }

    public Task LeaveAsync(PeerLeave request) => _leaves.AskAsync(request);
}
