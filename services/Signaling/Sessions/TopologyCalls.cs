using System.Collections.Concurrent;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Signaling.Sessions;

/// <summary>Joins and leaves of this replica, grouped on their way to the owners of their streams.</summary>
internal sealed class TopologyCalls(TopologyReplicas replicas)
{
    /// <summary>What Topology takes in one call.</summary>
    private const int MaxBatch = 1_024;
    private const int MaxUnderWay = 2;

    /// <summary>More addresses than there are replicas: those that are gone.</summary>
    private const int MaxGroups = 256;

    /// <summary>By the address of a replica.</summary>
    private readonly ConcurrentDictionary<string, Group> _groups = new(StringComparer.Ordinal);

    /// <summary>Fails as the single call would.</summary>
    public async Task<LiveStream> JoinAsync(PeerJoin request)
    {
        var result = await GroupOf(request.StreamId).Joins.AskAsync(request);
        if (result.Stream is { } stream)
            return stream;
        throw result.ErrorReason.Length > 0
            ? new Fault(result.ErrorReason, (StatusCode)result.ErrorCode, result.ErrorMessage, result.ErrorRetryable).Exception()
            : new RpcException(new Status((StatusCode)result.ErrorCode, result.ErrorMessage));
    }

    public Task LeaveAsync(PeerLeave request) => GroupOf(request.StreamId).Leaves.AskAsync(request);

    private Group GroupOf(string streamId)
    {
        // A group that is under way answers its callers all the same.
        if (_groups.Count > MaxGroups)
            _groups.Clear();
        return _groups.GetOrAdd(replicas.OwnerOf(streamId), NewGroup);
    }

    private Group NewGroup(string address) => new(
        new(MaxBatch, MaxUnderWay, async joins =>
        {
            var answer = await replicas.CallAsync(address, topology => topology.JoinStreamsAsync(new JoinStreamsRequest { Joins = { joins } }));
            replicas.Learn(answer.Owners);
            return answer.Results;
        }),
        new(MaxBatch, MaxUnderWay, async leaves =>
        {
            await replicas.CallAsync(address, topology => topology.LeaveStreamsAsync(new LeaveStreamsRequest { Leaves = { leaves } }));
            return [.. leaves.Select(_ => true)];
        }));

    private sealed record Group(GroupedCalls<PeerJoin, JoinResult> Joins, GroupedCalls<PeerLeave, bool> Leaves);
}
