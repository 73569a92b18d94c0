using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Beacon.Signaling.Sessions;

/// <summary>What an operator does with this replica.</summary>
[Authorize]
internal sealed class SignalingOperatorGrpc(Drain drain, Edge edge) : SignalingOperatorService.SignalingOperatorServiceBase
{
    private const uint DefaultSeconds = 30;
    private const uint MaxSeconds = 3_600;

    public override Task<StartDrainResponse> StartDrain(StartDrainRequest request, ServerCallContext context)
    {
        RequireOperator(context);
        var seconds = request.HasSeconds ? request.Seconds : DefaultSeconds;
        if (seconds > MaxSeconds)
            throw SignalingErrors.InvalidDrain.Exception();
        drain.Start(TimeSpan.FromSeconds(seconds));
        return Task.FromResult(new StartDrainResponse { Drain = State() });
    }

    public override Task<GetDrainResponse> GetDrain(GetDrainRequest request, ServerCallContext context)
    {
        RequireOperator(context);
        return Task.FromResult(new GetDrainResponse { Drain = State() });
    }

    public override Task<StopDrainResponse> StopDrain(StopDrainRequest request, ServerCallContext context)
    {
        RequireOperator(context);
        drain.Stop();
        return Task.FromResult(new StopDrainResponse { Drain = State() });
    }

    private static void RequireOperator(ServerCallContext context)
    {
        if (!Caller.Of(context).Has(Scopes.Operator))
            throw CommonErrors.MissingScope.Exception();
    }

    private EdgeDrain State() => new()
    {
        EdgeId = edge.Id,
        Draining = drain.IsOn,
        Sessions = (uint)edge.SessionCount,
        EndsAt = drain.EndsAt?.ToTimestamp(),
    };
}
