using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Mesh;
using Google.Protobuf;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>What an owner tells the outside.</summary>
internal interface IEdgeSender
{
    /// <summary>Tells peers, through their edges, what is new for them. What does not arrive is told again later.</summary>
    /// <param name="traces">The ranges of the changes that belong to traces, in order.</param>
    Task SendAsync(StreamState stream, IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces);

    Task ChallengeAsync(StreamState stream, long window, Challenge challenge);

    /// <summary>Publishes a fact; false when that failed.</summary>
    Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class;
}

/// <summary>
/// Tells edges what concerns their peers: in one message per edge and batch, in order. What cannot be sent in time is dropped and
/// counted; peers whose reports show that they did not hear are told again.
/// </summary>
internal sealed class EdgeSender(IBus bus, IOptions<TopologyOptions> options, TimeProvider clock, TopologyMetrics metrics, ILogger<EdgeSender> log)
    : IEdgeSender
{
    private const int DirectivesPerMessage = 512;

    public Task SendAsync(StreamState stream, IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces) =>
        Task.WhenAll(ByEdge(changes, traces).Select(async edge =>
        {
            foreach (var part in edge.Value.Chunk(DirectivesPerMessage))
            {
                if (!await SendAsync(edge.Key, new PeersReassigned(edge.Key, stream.StreamId, new PeerDirectives { Directives = { part } }.ToByteArray())))
                    return;
            }
        }));

    /// <summary>What each edge is to be told, in order.</summary>
    internal static Dictionary<string, List<PeerDirective>> ByEdge(IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces)
    {
        var byEdge = new Dictionary<string, List<PeerDirective>>(StringComparer.Ordinal);
        var trace = 0;
        for (var at = 0; at < changes.Count; at++)
        {
            var change = changes[at];
            while (trace < traces.Count && traces[trace].To <= at)
                trace++;
            var member = MemberState.Of(change.Peer);
            // Who has left meanwhile is told nothing.
            if (member.IsGone)
                continue;
            if (!byEdge.TryGetValue(member.Member.EdgeId, out var directives))
                byEdge[member.Member.EdgeId] = directives = [];
            directives.Add(Directive(member, change, trace < traces.Count && traces[trace].From <= at ? traces[trace].Traceparent : null));
        }

        return byEdge;
    }

    public Task ChallengeAsync(StreamState stream, long window, Challenge challenge) =>
        Task.WhenAll(stream.EdgeIds.Select(edgeId =>
            SendAsync(edgeId, new ChallengeIssued(edgeId, stream.StreamId, window, challenge.Stripe, challenge.Sequence, challenge.Nonce))));

    public async Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.Value.SendTimeoutMs), clock);
        try
        {
            await bus.Publish(fact, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            Log.PublishFailed(log, streamId, exception);
            return false;
        }
    }

    private async Task<bool> SendAsync<T>(string edgeId, T message) where T : class
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.Value.SendTimeoutMs), clock);
        try
        {
            var endpoint = await bus.GetSendEndpoint(EdgeEndpoint.Address(edgeId)).WaitAsync(timeout.Token);
            await endpoint.Send(message, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            metrics.SendFailures.Add(1);
            Log.SendFailed(log, edgeId, exception);
            return false;
        }
    }

    private static PeerDirective Directive(MemberState member, Change change, string? traceparent) => new()
    {
        PeerId = change.PeerId,
        Version = StreamState.NumberOf(member, change),
        Kind = change.Kind switch
        {
            ChangeKind.ParentAssigned => DirectiveKind.ParentAssigned,
            ChangeKind.StandbyAssigned => DirectiveKind.StandbyAssigned,
            ChangeKind.ChildAssigned => DirectiveKind.ChildAssigned,
            ChangeKind.ChildRemoved => DirectiveKind.ChildRemoved,
            _ => DirectiveKind.Waiting,
        },
        Stripe = change.Stripe,
        Neighbour = change.Other is null ? null : MemberState.Of(change.Other).Neighbour,
        Depth = change.Depth,
        Reason = change.Reason,
        Standby = change.IsStandby,
        DrainMs = change.DrainMs,
        Position = change.Position,
        EstimateMs = (int)Math.Min(change.EstimateMs, int.MaxValue),
        Traceparent = traceparent ?? "",
    };
}
