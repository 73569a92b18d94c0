using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Signaling.Sessions;

/// <summary>Joins and leaves of this replica, grouped on their way to the owners of their streams.</summary>
internal sealed class TopologyCalls
{
    /// <summary>What Topology takes in one call.</summary>
    private const int MaxBatch = 1_024;
    private const int MaxUnderWay = 2;

    /// <summary>More addresses than there are replicas: those that are gone.</summary>
    private const int MaxAddresses = 256;

    private readonly TopologyReplicas _replicas;
    private readonly GroupedCallsByKey<PeerJoin, JoinResult> _joins;
    private readonly GroupedCallsByKey<PeerLeave, bool> _leaves;

    public TopologyCalls(TopologyReplicas replicas)
    {
        _replicas = replicas;
        _joins = new(MaxAddresses, MaxBatch, MaxUnderWay, JoinAsync);
        _leaves = new(MaxAddresses, MaxBatch, MaxUnderWay, LeaveAsync);
    }

    /// <summary>Fails as the single call would.</summary>
    public async Task<LiveStream> JoinAsync(PeerJoin request)
    {
        var result = await _joins.AskAsync(_replicas.OwnerOf(request.StreamId), request);
        if (result.Stream is { } stream)
            return stream;
        throw result.ErrorReason.Length > 0
            ? new Fault(result.ErrorReason, (StatusCode)result.ErrorCode, result.ErrorMessage, result.ErrorRetryable).Exception()
            : new RpcException(new Status((StatusCode)result.ErrorCode, result.ErrorMessage));
    }

    public Task LeaveAsync(PeerLeave request) => _leaves.AskAsync(_replicas.OwnerOf(request.StreamId), request);

    private async Task<IReadOnlyList<JoinResult>> JoinAsync(string address, IReadOnlyList<PeerJoin> joins)
    {
        var answer = await _replicas.CallAsync(address, topology => topology.JoinStreamsAsync(new JoinStreamsRequest { Joins = { joins } }));
        _replicas.Learn(answer.Owners);
        return answer.Results;
    }

    private async Task<IReadOnlyList<bool>> LeaveAsync(string address, IReadOnlyList<PeerLeave> leaves)
    {
        await _replicas.CallAsync(address, topology => topology.LeaveStreamsAsync(new LeaveStreamsRequest { Leaves = { leaves } }));
        return [.. leaves.Select(_ => true)];
    }
}
