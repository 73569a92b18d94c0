using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Raids;

/// <summary>
/// A member of a stream's squad takes the broadcaster's place. The Ledger knows the squad, since it shares the money by it; Topology checks that
/// the peer is the member's own, and moves the root.
/// </summary>
internal sealed class StreamHandover(LedgerService.LedgerServiceClient ledger, TopologyEdgeService.TopologyEdgeServiceClient topology)
{
    /// <param name="authorization">The caller's own, with which the squad is asked for.</param>
    public async Task<HandOverStreamResponse> TakeOverAsync(HandOverStreamRequest request, Caller caller, string authorization, CancellationToken cancellationToken)
    {
        var squad = await ledger.GetSquadAsync(
            new GetSquadRequest { StreamId = request.StreamId }, new Metadata { { "authorization", authorization } }, cancellationToken: cancellationToken);
        if (squad.Members.All(member => member.AccountId != caller.AccountId))
            throw RaidsErrors.NotInSquad.Exception();
        var answer = await topology.HandoverAsync(
            new HandoverRequest
            {
                StreamId = request.StreamId,
                PeerId = request.PeerId,
                AccountId = caller.AccountId,
                UplinkMbps = request.UplinkMbps,
                MaxChildren = request.MaxChildren,
            },
            cancellationToken: cancellationToken);
        return new HandOverStreamResponse { BroadcasterAccountId = answer.Stream.BroadcasterAccountId };
    }
}
